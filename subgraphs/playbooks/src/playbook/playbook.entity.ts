import { TenantEntity } from '@aurorasoc/kit/domain';
import { Entity, Property } from '@mikro-orm/decorators/legacy';

/** What a tenant knows under one CACAO id: the documents saved under it, and which of them is in force. */
@Entity({ tableName: 'playbook' })
export class Playbook extends TenantEntity {
  /** CACAO's `id`. */
  @Property({ type: 'text' })
  documentId: string;

  @Property({ type: 'text' })
  name = '';

  @Property({ type: 'text' })
  description = '';

  /** The version that saved the document which name and description are of. */
  @Property({ type: 'integer' })
  savedVersion = 1;

  /** One that saved a document; null until the first activation. */
  @Property({ type: 'integer', nullable: true })
  activeVersion: number | null = null;

  @Property({ type: 'datetime' })
  createdAt: Date;

  @Property({ type: 'datetime' })
  updatedAt: Date;

  constructor(tenant: string, documentId: string, now: Date) {
    super(tenant);
    this.documentId = documentId;
    this.createdAt = now;
    this.updatedAt = now;
  }
}
