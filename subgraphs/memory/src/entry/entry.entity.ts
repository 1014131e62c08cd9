import { TenantEntity } from '@aurorasoc/kit/domain';
import type { Actor } from '@aurorasoc/kit/events';
import { Entity, Property } from '@mikro-orm/decorators/legacy';
import type { SourceKind, Tier, Trust } from '../events.js';

export interface NewMemoryEntry {
  readonly tenant: string;
  readonly tier: Tier;
  readonly title: string;
  readonly text: string;
  readonly source: { readonly kind: SourceKind; readonly id: string };
  readonly alertId: string | null;
  readonly trust: Trust;
  readonly tags: readonly string[];
  readonly author: Actor;
  readonly createdAt: Date;
  readonly embedder: string;
  readonly embedding: Float32Array;
  /** The author's name for it; an author has one entry of each. */
  readonly key?: string;
}

/** Something that is remembered. Its text never changes: what turns out otherwise is forgotten, and remembered anew. */
@Entity({ tableName: 'entry' })
export class MemoryEntry extends TenantEntity {
  @Property({ type: 'text' })
  tier: Tier;

  @Property({ type: 'text' })
  title: string;

  @Property({ type: 'text' })
  text: string;

  @Property({ type: 'text' })
  sourceKind: SourceKind;

  @Property({ type: 'text' })
  sourceId: string;

  /** The alert that it is about. */
  @Property({ type: 'uuid', nullable: true })
  alertId: string | null;

  @Property({ type: 'text' })
  trust: Trust;

  @Property({ type: 'string[]' })
  tags: string[];

  @Property({ type: 'text' })
  authorKind: Actor['kind'];

  @Property({ type: 'text' })
  authorId: string;

  @Property({ type: 'datetime' })
  createdAt: Date;

  @Property({ type: 'boolean' })
  isQuarantined = false;

  @Property({ type: 'text', nullable: true })
  quarantineReason: string | null = null;

  /** The author's name for it, which other authors may use for entries of theirs. */
  @Property({ type: 'text', nullable: true })
  key: string | null;

  @Property({ type: 'text' })
  embedder: string;

  /** Lazy: only vector search reads it, and by SQL. */
  @Property({ type: 'number[]', lazy: true })
  embedding: number[];

  constructor(entry: NewMemoryEntry) {
    super(entry.tenant);
    this.tier = entry.tier;
    this.title = entry.title;
    this.text = entry.text;
    this.sourceKind = entry.source.kind;
    this.sourceId = entry.source.id;
    this.alertId = entry.alertId;
    this.trust = entry.trust;
    this.tags = [...entry.tags];
    this.authorKind = entry.author.kind;
    this.authorId = entry.author.id;
    this.createdAt = entry.createdAt;
    this.embedder = entry.embedder;
    this.embedding = [...entry.embedding];
    this.key = entry.key ?? null;
  }
}
