/** PostgreSQL, Redis and keys of an installation in a scratch folder, with the schema of this domain. */
import { join } from 'node:path';
import { type RunningServices, startServices } from '@aurorasoc/cli/services';
import { Database, migrateDomain } from '@aurorasoc/kit/database';
import { readSecret } from '@aurorasoc/kit/environment';
import { EventRecorder } from '@aurorasoc/kit/events';
import { Health } from '@aurorasoc/kit/health';
import { createLog } from '@aurorasoc/kit/log';
import { migrations } from '@aurorasoc/migrations/agents';
import { agentsEvents } from '../events.js';
import { Investigation } from '../investigation/investigation.entity.js';
import { InvestigationLog } from '../investigation/investigation-log.js';
import { InvestigationStep } from '../investigation/investigation-step.entity.js';
import { AgentTask } from '../task/task.entity.js';
import { makeKeys, type TestKeys } from './keys.js';

export interface TestSite {
  readonly keys: TestKeys;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly services: RunningServices;
  stop(): Promise<void>;
}

export async function startSite(wanted: readonly ('postgres' | 'redis')[] = ['postgres', 'redis']): Promise<TestSite> {
  const keys = makeKeys();
  const services = await startServices({
    dataDir: join(keys.folder, 'services'),
    services: [...wanted],
    durable: false,
    log: () => undefined,
  });
  const databaseUrl = services.postgres?.url ?? '';
  await migrateDomain({
    domain: 'agents',
    adminUrl: databaseUrl,
    secret: readSecret(keys.secretFile),
    migrations,
    log: createLog('agents', 'silent'),
  });
  return {
    keys,
    databaseUrl,
    redisUrl: services.redis?.url ?? '',
    services,
    stop: async () => {
      await services.stop();
      keys.remove();
    },
  };
}

/** What use cases are called with. */
export async function openServices({ databaseUrl, keys }: TestSite) {
  const log = createLog('agents', 'silent');
  const health = new Health('agents');
  const entities = [Investigation, InvestigationStep, AgentTask];
  const database = await Database.open({
    domain: 'agents',
    role: 'svc',
    url: databaseUrl,
    secret: readSecret(keys.secretFile),
    entities,
    log,
    health,
  });
  const recorder = new EventRecorder('agents', 'test', agentsEvents);
  return { database, recorder, investigationLog: new InvestigationLog(recorder), mode: 'REAL' as const, log, health };
}
