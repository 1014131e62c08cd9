import { type Connection, entityPage, PageArgs, Rights, uuidOf } from '@aurorasoc/kit/graphql';
import { ActorType, LiveField, ResumeAfter } from '@aurorasoc/kit/live';
import { Arg, Args, ArgsType, Ctx, Field, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { MemoryContext } from '../context.js';
import { InvestigationStub } from '../investigation/investigation.type.js';
import { MemoryEntry } from './entry.entity.js';
import {
  ForgetResult,
  MemoryChange,
  MemoryChangeItem,
  MemoryEntryConnection,
  MemoryEntryFilterInput,
  MemoryEntryNotFound,
  MemoryEntryType,
  MemoryForgotten,
  MemorySourceType,
  QuarantineMemoryResult,
  RememberInput,
} from './entry.type.js';
import { forgetMemory } from './forget-memory.js';
import { entriesWhere } from './list-entries.js';
import { openMemoryChanges } from './memory-changed.js';
import { quarantineMemory } from './quarantine-memory.js';
import { readEntryFilter, readMemorable, readReason } from './read-input.js';
import { embedMemories, remember } from './remember.js';

@ArgsType()
class MemoryEntriesArgs extends PageArgs {
  @Field(() => MemoryEntryFilterInput, { nullable: true, description: 'Only entries that fit.' })
  filter?: MemoryEntryFilterInput | null;
}

@Resolver(() => MemoryEntryType)
export class EntryResolver {
  @Rights('memory:read')
  @Query(() => MemoryEntryType, { nullable: true, description: 'One entry by its id.' })
  async memoryEntry(
    @Arg('id', () => ID, { description: 'Id of the entry.' }) id: string,
    @Ctx() { loaders }: MemoryContext,
  ): Promise<MemoryEntry | null> {
    return loaders.entry.load(uuidOf('id', id));
  }

  @Rights('memory:read')
  @Query(() => MemoryEntryConnection, { description: 'Entries, newest first; also those in quarantine.' })
  async memoryEntries(
    @Args(() => MemoryEntriesArgs) args: MemoryEntriesArgs,
    @Ctx() { services, principal }: MemoryContext,
  ): Promise<Connection<MemoryEntry>> {
    const where = entriesWhere(readEntryFilter(args.filter));
    const list = { name: 'memoryEntries', entity: MemoryEntry, where };
    return entityPage(services.runtime.database, principal.tenant, list, args);
  }

  @Rights('memory:write')
  @Mutation(() => MemoryEntryType, { description: 'Remembers something; it can be recalled at once.' })
  async remember(
    @Arg('input', () => RememberInput, { description: 'What to remember.' }) input: RememberInput,
    @Ctx() { services, principal }: MemoryContext,
  ): Promise<MemoryEntry> {
    const memories = await embedMemories(services.embedder, [readMemorable(input, principal, new Date())]);
    const [entry] = await services.runtime.database.inTenant(principal.tenant, async (em) => {
      const entries: MemoryEntry[] = [];
      for (const memory of memories) entries.push(await remember(em, services.log, memory));
      return entries;
    });
    if (entry === undefined) throw new RangeError('one text was embedded and none remembered');
    return entry;
  }

  @Rights('memory:write')
  @Mutation(() => ForgetResult, {
    description: 'Removes an entry for good. Its events stay; they hold nothing of its text.',
  })
  async forget(
    @Arg('id', () => ID, { description: 'Id of the entry.' }) id: string,
    @Ctx() { services, principal }: MemoryContext,
  ): Promise<MemoryForgotten | MemoryEntryNotFound> {
    const isForgotten = await forgetMemory(services, principal, uuidOf('id', id));
    return Object.assign(isForgotten ? new MemoryForgotten() : new MemoryEntryNotFound(), { id });
  }

  @Rights('memory:write')
  @Mutation(() => QuarantineMemoryResult, {
    description: 'Keeps an entry from being recalled, such as one that is wrong or was planted. It stays readable.',
  })
  async quarantineMemory(
    @Arg('id', () => ID, { description: 'Id of the entry.' }) id: string,
    @Arg('reason', () => String, { description: 'Why; at most 1,000 characters.' }) reason: string,
    @Ctx() { services, principal }: MemoryContext,
  ): Promise<MemoryEntry | MemoryEntryNotFound> {
    const entry = await quarantineMemory(services, principal, uuidOf('id', id), readReason(reason));
    return entry ?? Object.assign(new MemoryEntryNotFound(), { id });
  }

  @Rights('memory:read')
  @LiveField(
    MemoryChangeItem,
    'Every change of entries, each once and in order; with `after`, from there on.',
    ({ services, principal }: MemoryContext, { after }: { after?: string | null }) =>
      openMemoryChanges(services.runtime.live, principal.tenant, after ?? undefined),
  )
  memoryChanged(@Root() item: typeof MemoryChangeItem, @ResumeAfter() _after?: string | null): typeof MemoryChangeItem {
    return item;
  }

  @FieldResolver(() => MemorySourceType, { description: 'Where it comes from.' })
  source(@Root() entry: MemoryEntry): MemorySourceType {
    return { kind: entry.sourceKind, id: entry.sourceId };
  }

  @FieldResolver(() => ActorType, { description: 'Who wrote it.' })
  author(@Root() entry: MemoryEntry): ActorType {
    return { kind: entry.authorKind, id: entry.authorId };
  }

  @FieldResolver(() => InvestigationStub, {
    nullable: true,
    description: 'The investigation that it comes from; null when it comes from none, or you may not see it.',
  })
  investigation(@Root() entry: MemoryEntry): InvestigationStub | null {
    return entry.sourceKind === 'INVESTIGATION' ? { id: entry.sourceId } : null;
  }
}

@Resolver(() => MemoryChange)
export class MemoryChangeResolver {
  @FieldResolver(() => MemoryEntryType, {
    nullable: true,
    description: 'The entry as it is at emission, which may be newer than `version`; null once it is gone.',
  })
  entry(@Root() change: MemoryChange, @Ctx() { loaders }: MemoryContext): Promise<MemoryEntry | null> {
    return loaders.entry.load(change.entryId);
  }
}
