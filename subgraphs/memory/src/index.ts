/** The domain `memory`: what is remembered of investigations and by people, and how it is recalled. */
import { type DomainDefinition, domainProgram } from '@aurorasoc/kit/domain';
import { EventRecorder } from '@aurorasoc/kit/events';
import { findHandled } from '@aurorasoc/kit/streams';
import type { MemoryContext, MemoryServices } from './context.js';
import { featureHashing } from './embedding/feature-hashing.js';
import { MemoryEntry } from './entry/entry.entity.js';
import { EntryLog } from './entry/entry-log.js';
import { type MemoryEnvironment, readMemoryEnvironment } from './environment.js';
import { AGENTS_STREAM, EPISODES_GROUP, INVESTIGATION_COMPLETED } from './episodes/episode.js';
import { rememberEpisodes } from './episodes/remember-episodes.js';
import { memoryEvents } from './events.js';
import { migrations } from './migrations.js';
import { IndexChooser } from './vector/choose-index.js';

function defineMemory(environment: MemoryEnvironment): DomainDefinition<MemoryServices, MemoryContext> {
  const { MEMORY_VECTOR: setting, AURORA_SITE: site } = environment;
  return {
    domain: 'memory',
    entities: [MemoryEntry],
    migrations,
    routes: {},
    buildSchema: async () => (await import('./schema.js')).buildMemorySchema(),
    createServices: (runtime) => ({
      runtime,
      log: new EntryLog(new EventRecorder('memory', site, memoryEvents)),
      embedder: featureHashing,
      setting,
      chooser: new IndexChooser(runtime.database, setting),
    }),
    createContext: async (services) => (await import('./context.js')).createContext(services),
    startWorkers: async ({ log, embedder }, { database, consume }) =>
      consume({
        streams: [AGENTS_STREAM],
        group: EPISODES_GROUP,
        types: [INVESTIGATION_COMPLETED],
        findHandled: findHandled(database, EPISODES_GROUP),
        handle: rememberEpisodes(database, { log, embedder }),
      }),
  };
}

/** The role `memory`. */
export const runMemory = domainProgram(readMemoryEnvironment, defineMemory);
