/** What the resolvers of one operation share: the caller, and loaders that see the caller's tenant only. */
import { contextWith, type DomainContext, type DomainRuntime } from '@aurorasoc/kit/domain';
import type { EventRecorder } from '@aurorasoc/kit/events';
import { createKeyedLoader, createListLoader, entityLoader } from '@aurorasoc/kit/graphql';
import type { PlaybooksEvents } from './events.js';
import { Playbook } from './playbook/playbook.entity.js';
import { listVersions, readDocuments, type VersionKey } from './playbook/playbook-versions.js';

/** What lives as long as the process. */
export interface PlaybooksServices {
  readonly runtime: DomainRuntime;
  readonly recorder: EventRecorder<PlaybooksEvents>;
}

function createLoaders({ runtime: { database } }: PlaybooksServices, tenant: string) {
  return {
    playbook: entityLoader(database, tenant, Playbook),
    versionsOfPlaybook: createListLoader(
      (ids: readonly string[]) => database.inTenant(tenant, (em) => listVersions(em, ids)),
      (version) => version.playbookId,
    ),
    document: createKeyedLoader((keys: readonly VersionKey[]) =>
      database.inTenant(tenant, (em) => readDocuments(em, keys)),
    ),
  };
}

export type PlaybooksContext = DomainContext<PlaybooksServices, ReturnType<typeof createLoaders>>;
export const createContext = contextWith(createLoaders);
