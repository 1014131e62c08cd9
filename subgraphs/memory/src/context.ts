/** What the resolvers of one operation share: the caller, and loaders that see the caller's tenant only. */
import { contextWith, type DomainContext, type DomainRuntime } from '@aurorasoc/kit/domain';
import { createListLoader, entityLoader } from '@aurorasoc/kit/graphql';
import type { Embedder } from './embedding/embedder.js';
import { MemoryEntry } from './entry/entry.entity.js';
import type { EntryLog } from './entry/entry-log.js';
import { listEntriesOfInvestigations } from './entry/list-entries.js';
import type { IndexChooser } from './vector/choose-index.js';
import type { VectorSetting } from './vector/vector-index.js';

/** What lives as long as the process. */
export interface MemoryServices {
  readonly runtime: Pick<DomainRuntime, 'database' | 'live'>;
  readonly log: EntryLog;
  readonly embedder: Embedder;
  readonly setting: VectorSetting;
  readonly chooser: IndexChooser;
}

function createLoaders({ runtime: { database } }: MemoryServices, tenant: string) {
  return {
    entry: entityLoader(database, tenant, MemoryEntry),
    /** Newest first. */
    entriesOfInvestigation: createListLoader(
      (ids) => database.inTenant(tenant, (em) => listEntriesOfInvestigations(em, ids)),
      (entry) => entry.sourceId,
    ),
  };
}

export type MemoryContext = DomainContext<MemoryServices, ReturnType<typeof createLoaders>>;
export const createContext = contextWith(createLoaders);
