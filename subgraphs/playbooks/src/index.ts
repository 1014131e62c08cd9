/** The domain `playbooks`: CACAO 2.0 documents, their versions, and which of them is in force. */
import { type DomainDefinition, domainProgram } from '@aurorasoc/kit/domain';
import { EventRecorder } from '@aurorasoc/kit/events';
import type { PlaybooksContext, PlaybooksServices } from './context.js';
import { type PlaybooksEnvironment, readPlaybooksEnvironment } from './environment.js';
import { playbooksEvents } from './events.js';
import { migrations } from './migrations.js';
import { Playbook } from './playbook/playbook.entity.js';

function definePlaybooks(environment: PlaybooksEnvironment): DomainDefinition<PlaybooksServices, PlaybooksContext> {
  return {
    domain: 'playbooks',
    entities: [Playbook],
    migrations,
    routes: {},
    buildSchema: async () => (await import('./schema.js')).buildPlaybooksSchema(),
    createServices: (runtime) => ({
      runtime,
      recorder: new EventRecorder('playbooks', environment.AURORA_SITE, playbooksEvents),
    }),
    createContext: async (services) => (await import('./context.js')).createContext(services),
    startWorkers: async () => undefined,
  };
}

/** The role `playbooks`. */
export const runPlaybooks = domainProgram(readPlaybooksEnvironment, definePlaybooks);
