import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { RuleFacts } from './rule-facts.js';

/** A tenant's Sigma rule, as its author wrote it. The product's own rules lie in files and have no row. */
@Entity({ tableName: 'detection_rule' })
export class DetectionRuleRow {
  @PrimaryKey({ type: 'uuid' })
  tenant!: string;

  /** Sigma's `id`. */
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'integer' })
  version!: number;

  /** The YAML document. */
  @Property({ type: 'text' })
  source!: string;

  @Property({ type: 'text' })
  title!: string;

  /** Sigma's `level`. */
  @Property({ type: 'text' })
  level!: string;

  @Property({ type: 'boolean' })
  isEnabled!: boolean;

  /** What it costs to read and to hold: the sum of a tenant's is bounded. */
  @Property({ type: 'integer' })
  weight!: number;

  /** Null for a rule that an earlier release saved. */
  @Property({ type: 'json', nullable: true })
  facts!: RuleFacts | null;

  @Property({ type: 'datetime' })
  createdAt!: Date;

  @Property({ type: 'datetime' })
  updatedAt!: Date;
}
