import { describe, expect, it } from 'vitest';
import type { RunningServices, ServiceName, ServicesOptions } from '../services/index.js';
import { readProcessIdentity } from '../services/process/process-identity.js';
import { SiteServices } from './site-services.js';

/** Services that are nothing but a record of who runs; this process stands for each of theirs. */
class FakeServices {
  readonly running = new Set<ServiceName>();
  readonly started: ServiceName[] = [];
  stopped = false;
  failure: Error | undefined;

  constructor(private readonly whileLaunching: (options: ServicesOptions, fake: FakeServices) => void = () => {}) {}

  readonly launch = async (options: ServicesOptions): Promise<RunningServices> => {
    for (const name of options.services) this.running.add(name);
    this.whileLaunching(options, this);
    const pids = { guard: process.pid, service: process.pid };
    const fake = this;
    return {
      postgres: { url: 'postgres://127.0.0.1:15432/postgres', port: 15_432 },
      redis: { url: 'redis://127.0.0.1:16379', port: 16_379 },
      get pids() {
        return Object.fromEntries([...fake.running].map((name) => [name, pids]));
      },
      stop: async () => {
        this.stopped = true;
      },
      stopOne: async (name) => void this.running.delete(name),
      startOne: async (name) => {
        if (this.failure !== undefined) throw this.failure;
        this.started.push(name);
        this.running.add(name);
      },
      kill: () => undefined,
    };
  };
}

function start(fake: FakeServices): Promise<SiteServices> {
  const options = { dataDir: '/nowhere', durable: false, names: ['postgres', 'redis'], external: {} } as const;
  return SiteServices.start({ ...options, log: () => undefined, onChange: () => undefined }, fake.launch);
}

const redisEnds = ({ onExit }: ServicesOptions, { running }: FakeServices): void => {
  running.delete('redis');
  onExit?.('redis', null);
};

describe('a service that ends while another is still being launched', () => {
  it('is started again before the start of the services is done', async () => {
    const fake = new FakeServices(redisEnds);
    const services = await start(fake);
    expect(fake.started).toEqual(['redis']);
    const identity = readProcessIdentity(process.pid);
    expect(services.states.redis).toMatchObject({ state: 'running', restarts: 1, process: identity });
    expect(services.states.postgres).toMatchObject({ state: 'running', restarts: 0 });
    await services.stop();
  });

  it('ends the start when it does not come back, and leaves nothing running', async () => {
    const fake = new FakeServices(redisEnds);
    fake.failure = new Error('its port is taken');
    await expect(start(fake)).rejects.toThrow('its port is taken');
    expect(fake.stopped).toBe(true);
  });
});
