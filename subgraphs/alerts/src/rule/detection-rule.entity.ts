import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

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

  @Property({ type: 'datetime' })
  createdAt!: Date;

  @Property({ type: 'datetime' })
  updatedAt!: Date;
}
