/** What entities of every domain have, and what every event of theirs says. */
import { PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { Actor } from '../events/event.js';
import { newId } from '../ids.js';

/** A tenant's entity with one domain event per version. Tables have the columns `id`, `tenant` and `version`. */
export abstract class TenantEntity {
  @PrimaryKey({ type: 'uuid' })
  id: string;

  @Property({ type: 'uuid' })
  tenant: string;

  /** Grows by one with each of its events. */
  @Property({ type: 'integer' })
  version = 1;

  constructor(tenant: string, id: string = newId()) {
    this.id = id;
    this.tenant = tenant;
  }
}

/** All of an event of an entity but its type and data. The entity's version counts up before, unless it is new. */
export function envelopeOf({ id, version, tenant }: TenantEntity, actor: Actor, occurredAt: Date) {
  return { subject: id, version, tenant, actor, occurredAt };
}
