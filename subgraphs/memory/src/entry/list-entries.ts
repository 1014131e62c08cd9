/** Which entries a list shows, and what belongs to many investigations at once. */
import { arrayLiteral, type EntityManager } from '@aurorasoc/kit/database';
import { type FilterQuery, raw } from '@mikro-orm/core';
import type { SourceKind, Tier, Trust } from '../events.js';
import { MemoryEntry } from './entry.entity.js';

export interface EntryFilter {
  readonly tiers?: readonly Tier[] | undefined;
  readonly sourceKind?: SourceKind | undefined;
  readonly sourceId?: string | undefined;
  readonly trust?: Trust | undefined;
  readonly tag?: string | undefined;
  readonly isQuarantined?: boolean | undefined;
}

export function entriesWhere(filter: EntryFilter): FilterQuery<MemoryEntry> {
  const { tiers, sourceKind, sourceId, trust, tag, isQuarantined } = filter;
  return {
    ...(tiers === undefined ? {} : { tier: { $in: [...tiers] } }),
    ...(sourceKind === undefined ? {} : { sourceKind }),
    ...(sourceId === undefined ? {} : { sourceId }),
    ...(trust === undefined ? {} : { trust }),
    ...(tag === undefined ? {} : { tags: { $contains: [tag] } }),
    ...(isQuarantined === undefined ? {} : { isQuarantined }),
  };
}

export const MAX_PER_INVESTIGATION = 20;

/** At most {@link MAX_PER_INVESTIGATION} for each of the investigations, newest first. */
export function listEntriesOfInvestigations(em: EntityManager, ids: readonly string[]): Promise<MemoryEntry[]> {
  const newest = `select newest.id from unnest(?::text[]) as asked (source_id)
    cross join lateral (select id from memory.entry where source_kind = 'INVESTIGATION' and source_id = asked.source_id
      order by id desc limit ${MAX_PER_INVESTIGATION}) as newest`;
  return em.find(MemoryEntry, { id: { $in: raw(newest, [arrayLiteral(ids)]) } }, { orderBy: { id: 'desc' } });
}
