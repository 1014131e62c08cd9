import { badUserInput } from '@aurorasoc/kit/errors';
import { Rights, storableText, storableTime } from '@aurorasoc/kit/graphql';
import { Arg, Ctx, Int, Query, Resolver } from 'type-graphql';
import type { MemoryContext } from '../context.js';
import { MemoryTierEnum } from '../entry/entry.type.js';
import type { Tier } from '../events.js';
import { readMemoryStatus } from './memory-status.js';
import { type Recall, recall } from './recall.js';
import { MemoryStatus, type RecalledMemory, RecallResult, TimeRangeInput } from './recall.type.js';
import type { RecallFilter } from './recall-filter.js';

const MAX_QUERY = 2_000;
const MAX_HITS = 50;
const DEFAULT_HITS = 10;

@Resolver()
export class RecallResolver {
  @Rights('memory:read')
  @Query(() => RecallResult, { description: 'What is remembered and like the query, by its words and by its vector.' })
  async recall(
    @Ctx() { services, principal }: MemoryContext,
    @Arg('query', () => String, { description: 'What to look for, in plain words; at most 2,000 characters.' })
    query: string,
    @Arg('tiers', () => [MemoryTierEnum], { nullable: true, description: 'Only of these tiers.' })
    tiers?: Tier[] | null,
    @Arg('k', () => Int, {
      nullable: true,
      defaultValue: DEFAULT_HITS,
      description: `Most hits, 1 to ${MAX_HITS}.`,
    })
    k?: number | null,
    @Arg('range', () => TimeRangeInput, { nullable: true, description: 'Only what was remembered in it.' })
    range?: TimeRangeInput | null,
  ): Promise<RecallResult> {
    storableText('query', query, MAX_QUERY);
    if (query.trim() === '') throw badUserInput('query', 'Say what to look for');
    const hits = k ?? DEFAULT_HITS;
    if (hits < 1 || hits > MAX_HITS) throw badUserInput('k', `A recall gives 1 to ${MAX_HITS} hits`);
    return toResult(await recall(services, principal.tenant, query, readFilter(tiers, range), hits));
  }

  @Rights('memory:read')
  @Query(() => MemoryStatus, { description: 'How entries are found, and how many there are.' })
  memoryStatus(@Ctx() { services, principal }: MemoryContext): Promise<MemoryStatus> {
    return readMemoryStatus(services, principal.tenant);
  }
}

/** @throws AuroraError `BAD_USER_INPUT` */
function readFilter(tiers: Tier[] | null | undefined, range: TimeRangeInput | null | undefined): RecallFilter {
  if (tiers?.length === 0) throw badUserInput('tiers', 'Name a tier, or leave it out to look in all');
  if (!range) return { tiers: tiers ?? undefined };
  const from = storableTime('range.from', range.from);
  const to = storableTime('range.to', range.to);
  if (from >= to) throw badUserInput('range', 'A range ends after it begins');
  return { tiers: tiers ?? undefined, from, to };
}

function toResult({ hits, choice: { index, reason, isDegraded }, isPartial }: Recall): RecallResult {
  const notes = [
    ...(isDegraded ? [reason] : []),
    ...(isPartial ? [`Only the newest ${index?.entryLimit} entries were compared by vector; all were by words`] : []),
  ];
  return {
    hits: hits as readonly RecalledMemory[],
    vectorIndex: index?.kind ?? 'OFF',
    isDegraded: notes.length > 0,
    note: notes.length > 0 ? notes.join('; ') : null,
  };
}
