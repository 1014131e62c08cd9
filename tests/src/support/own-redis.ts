/** A Redis of one file's own, for what would break others: it is killed, filled up, and put back to what it was. */
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServices } from '@aurorasoc/cli/services';
import { serviceSource } from './environment.js';
import { eventually } from './wait.js';

export interface OwnRedis {
  readonly url: string;
  /** @returns kills it and starts it again without anything that was written since this call, as after a lost last second. */
  remember(): () => Promise<void>;
  stop(): Promise<void>;
}

export async function startOwnRedis(): Promise<OwnRedis> {
  const dataDir = mkdtempSync(join(tmpdir(), 'aurora-redis-'));
  const services = await startServices({
    dataDir,
    source: serviceSource(),
    services: ['redis'],
    durable: false,
    log: () => undefined,
  });
  const log = join(dataDir, 'redis/appendonlydir');
  return {
    url: services.redis?.url ?? '',
    remember: () => {
      const sizes = readdirSync(log).map((name) => ({ file: join(log, name), size: statSync(join(log, name)).size }));
      return async () => {
        services.kill('redis', 'SIGKILL');
        await eventually(
          () => services.pids.redis,
          (pids) => pids === undefined,
        );
        for (const { file, size } of sizes) truncateSync(file, size);
        await services.startOne('redis');
      };
    },
    stop: async () => {
      await services.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
