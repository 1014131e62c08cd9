/** What the graph does with most entities: finds them by id, lists them newest first. */
import type { EntityClass, FilterQuery } from '@mikro-orm/core';
import type { Database, EntityManager } from '../database/database.js';
import { isUuid } from '../ids.js';
import { createLoader, type DataLoader } from './batch.js';
import { keyOf, type ReferenceResolver } from './build-schema.js';
import type { Connection } from './connection.js';
import { type PageArgs, readPage } from './page.js';
import type { PrincipalContext } from './rights.js';

interface Identified {
  /** UUIDv7: it alone orders by age. */
  id: string;
}

/** Finds the tenant's entities by id; null where it has none such. */
export function entityLoader<E extends Identified>(
  database: Database,
  tenant: string,
  entity: EntityClass<E>,
): DataLoader<string, E | null> {
  return createLoader(
    (ids) => database.inTenant(tenant, (em) => findWhere(em, entity, [{ id: { $in: [...ids] } }])),
    ({ id }) => id,
  );
}

export interface EntityList<E> {
  /** Unique among the lists of its domain. */
  readonly name: string;
  readonly entity: EntityClass<E>;
  /** Only entities that fit. */
  readonly where?: FilterQuery<E>;
}

/** A page of the tenant's entities, newest first. @throws AuroraError as {@link readPage} does. */
export function entityPage<E extends Identified>(
  database: Database,
  tenant: string,
  { name, entity, where }: EntityList<E>,
  args: PageArgs,
): Promise<Connection<E>> {
  return readPage(args, {
    list: { name, sortedBy: ['id'] },
    read: (after, limit) => {
      const conditions = [...(where ? [where] : []), ...(after?.[0] ? [{ id: { $lt: after[0] } }] : [])];
      return database.inTenant(tenant, (em) => findWhere(em, entity, conditions, limit));
    },
    keysOf: ({ id }) => [id],
    toNode: (found) => found,
  });
}

/** All of the conditions hold; newest first. */
async function findWhere<E extends Identified>(
  em: EntityManager,
  entity: EntityClass<E>,
  conditions: readonly (FilterQuery<E> | FilterQuery<Identified>)[],
  limit?: number,
): Promise<E[]> {
  // MikroORM's types cannot tell what a type parameter's fields are; `id` is all that is needed of them.
  const found = await em.find(
    entity as EntityClass<Identified>,
    { $and: conditions as FilterQuery<Identified>[] },
    { orderBy: { id: 'desc' }, ...(limit === undefined ? {} : { limit }) },
  );
  return found as E[];
}

/** A reference whose key is `id`. @param find - is asked for ids that are UUIDs; nothing has any other. */
export function referenceById<C extends PrincipalContext>(
  find: (id: string, context: C) => unknown,
): ReferenceResolver<C> {
  return (reference, context) => {
    const id = keyOf(reference, 'id');
    return isUuid(id) ? find(id, context) : null;
  };
}
