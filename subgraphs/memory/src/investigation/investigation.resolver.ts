import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import type { MemoryContext } from '../context.js';
import type { MemoryEntry } from '../entry/entry.entity.js';
import { MemoryEntryType } from '../entry/entry.type.js';
import { MAX_PER_INVESTIGATION } from '../entry/list-entries.js';
import { InvestigationStub } from './investigation.type.js';

@Resolver(() => InvestigationStub)
export class InvestigationResolver {
  @FieldResolver(() => [MemoryEntryType], {
    nullable: true,
    description: `What is remembered of it, newest first, at most ${MAX_PER_INVESTIGATION}; null when the service of memory is away.`,
  })
  memories(@Root() investigation: InvestigationStub, @Ctx() { loaders }: MemoryContext): Promise<MemoryEntry[]> {
    return loaders.entriesOfInvestigation.load(investigation.id);
  }
}
