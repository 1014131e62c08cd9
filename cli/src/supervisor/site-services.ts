/** PostgreSQL, Redis and Mosquitto of a site: embedded ones, kept alive, or those that the environment names, used as they are. */
import { describeError } from '@aurorasoc/kit/errors';
import type { ServiceState } from '../home/site-state.js';
import {
  type RunningServices,
  type ServiceName,
  type ServicePids,
  type ServicesOptions,
  startServices,
} from '../services/index.js';
import { readProcessIdentity } from '../services/process/process-identity.js';
import { RestartDelay } from './restart-delay.js';

export interface SiteServicesOptions
  extends Pick<ServicesOptions, 'dataDir' | 'cacheDir' | 'source' | 'durable' | 'log' | 'signal'> {
  /** Those that the site needs. */
  readonly names: readonly ServiceName[];
  /** URLs that the environment gives. */
  readonly external: Readonly<Partial<Record<ServiceName, string>>>;
  /** Must not throw: it is called from timers as well. */
  readonly onChange: () => void;
}

export class SiteServices {
  readonly #states = new Map<ServiceName, ServiceState>();
  readonly #timers = new Map<ServiceName, NodeJS.Timeout>();
  readonly #restartDelays = new Map<ServiceName, RestartDelay>();
  /** Those that are to run: an end that nobody asked for is made good. */
  readonly #wanted: Set<ServiceName>;
  #running: RunningServices | undefined;

  private constructor(private readonly options: SiteServicesOptions) {
    this.#wanted = new Set(options.names.filter((name) => options.external[name] === undefined));
    for (const name of this.#wanted) this.#restartDelays.set(name, new RestartDelay());
  }

  /**
   * Locks the data folder, ends what an earlier run left there, starts what is not external.
   *
   * @param launch - for tests.
   * @throws ServiceError, AuroraError `INTERRUPTED`; nothing is left running then.
   */
  static async start(options: SiteServicesOptions, launch = startServices): Promise<SiteServices> {
    const { names, external: _, onChange: __, ...folder } = options;
    const services = new SiteServices(options);
    // One may end while another is still fetched or created, which takes minutes; there is nothing yet to start it with.
    const ended = new Set<ServiceName>();
    services.#running = await launch({
      ...folder,
      services: [...services.#wanted],
      onExit: (name) => (services.#running === undefined ? ended.add(name) : services.#startAgain(name)),
    });
    for (const name of names) services.#enter(name, ended.has(name) ? 'restarting' : 'running');
    try {
      await Promise.all([...ended].map((name) => services.#restart(name, options.signal)));
    } catch (error) {
      await services.stop();
      throw error;
    }
    return services;
  }

  /** With credentials. */
  url(name: ServiceName): string {
    const url = this.options.external[name] ?? this.#running?.[name]?.url;
    if (url === undefined) throw new Error(`${name} has not been started`);
    return url;
  }

  get states(): Readonly<Record<string, ServiceState>> {
    return Object.fromEntries(this.#states);
  }

  /** Of the embedded services that run now. */
  get pids(): Readonly<Partial<Record<ServiceName, ServicePids>>> {
    return this.#running?.pids ?? {};
  }

  async stopOne(name: ServiceName): Promise<void> {
    this.#wanted.delete(name);
    clearTimeout(this.#timers.get(name));
    await this.#running?.stopOne(name);
    this.#enter(name, 'stopped');
  }

  async startOne(name: ServiceName): Promise<void> {
    clearTimeout(this.#timers.get(name));
    this.#wanted.add(name);
    await this.#running?.startOne(name);
    this.#enter(name, 'running');
  }

  kill(name: ServiceName, signal: NodeJS.Signals): void {
    this.#running?.kill(name, signal);
  }

  /** Ends all embedded ones and gives the data folder free. */
  async stop(): Promise<void> {
    this.#wanted.clear();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    await this.#running?.stop();
  }

  #startAgain(name: ServiceName): void {
    if (!this.#wanted.has(name)) return;
    this.#enter(name, 'restarting');
    const retry = async (): Promise<void> => {
      try {
        await this.#restart(name);
      } catch (error) {
        this.options.log(`${name} does not start (${describeError(error)}); trying again`);
        this.#startAgain(name);
      }
    };
    this.#timers.set(
      name,
      setTimeout(() => void retry(), this.#restartDelays.get(name)?.next()),
    );
  }

  async #restart(name: ServiceName, signal?: AbortSignal): Promise<void> {
    await this.#running?.startOne(name, signal);
    this.#countRestart(name);
    this.#enter(name, 'running');
  }

  #countRestart(name: ServiceName): void {
    const state = this.#states.get(name);
    if (state !== undefined) this.#states.set(name, { ...state, restarts: state.restarts + 1 });
  }

  #enter(name: ServiceName, state: ServiceState['state']): void {
    const before = this.#states.get(name);
    const pid = this.pids[name]?.service;
    const identity = pid === undefined ? undefined : readProcessIdentity(pid);
    const { hostname, port } = new URL(this.url(name));
    this.#states.set(name, {
      state,
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: port === '' ? DEFAULT_PORTS[name] : Number(port),
      since: before?.state === state ? before.since : new Date().toISOString(),
      restarts: before?.restarts ?? 0,
      isExternal: this.options.external[name] !== undefined,
      ...(identity === undefined ? {} : { process: identity }),
    });
    this.options.onChange();
  }
}

const DEFAULT_PORTS: Readonly<Record<ServiceName, number>> = { postgres: 5432, redis: 6379, mosquitto: 1883 };
