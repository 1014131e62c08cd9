/**
 * Everything around the workers of a run: PostgreSQL behind a proxy that cuts connections, a Redis that can be killed, the
 * domains' schemas, keys, the outside agent, and what is needed to start roles against all that.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrations as agentsMigrations } from '@aurorasoc/agents/migrations';
import { migrations as alertsMigrations } from '@aurorasoc/alerts/migrations';
import { type RunningServices, startServices } from '@aurorasoc/cli/services';
import {
  Database,
  type DatabaseOptions,
  type DomainMigrations,
  type LoginRole,
  loginUrl,
  migrateDomain,
} from '@aurorasoc/kit/database';
import { Health } from '@aurorasoc/kit/health';
import { createLog } from '@aurorasoc/kit/log';
import { connectRedis, type Redis, whenReady } from '@aurorasoc/kit/streams';
import { migrations as memoryMigrations } from '@aurorasoc/memory/migrations';
import { Client } from 'pg';
import { serviceSource } from '../../support/environment.js';
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.js';
import { type Forked, forkProgram, tell } from '../../support/forked-program.js';
import { eventually } from '../../support/wait.js';
import { History } from './history.js';
import type { OutsideOrder, OutsideReport } from './outside-agent.js';
import { RoleProcess } from './role-process.js';

const MIGRATIONS: Readonly<Record<string, DomainMigrations>> = {
  alerts: alertsMigrations,
  agents: agentsMigrations,
  memory: memoryMigrations,
};
/** Nobody listens there: nothing in a run asks the graph. */
const NO_GATEWAY = 'http://127.0.0.1:9';

/** A PostgreSQL that runs already. */
export interface GivenPostgres {
  /** With a superuser's login. */
  readonly url: string;
  /** Of the whole server: login roles are the server's. */
  readonly secretFile: string;
}

export interface InstallationOptions {
  /** A PostgreSQL to use. @default one of its own */
  readonly given?: GivenPostgres | undefined;
  /** Of the tasks. @default 30 000 */
  readonly leaseMs?: number;
  /** From an order to its effect at the outside agent, milliseconds. @default there is no outside agent */
  readonly effectMs?: number;
  /** Whether its services wait for the disk, as they do in production. @default false */
  readonly durable?: boolean;
}

export class Installation {
  readonly clients: History;
  readonly outside: History;
  readonly #roles = new Map<string, RoleProcess>();
  readonly #closing: (() => Promise<unknown>)[] = [];
  #outsideAgent: Forked | undefined;

  private constructor(
    readonly folder: string,
    private readonly services: RunningServices,
    private readonly server: URL,
    private readonly secretFile: string,
    readonly postgres: FaultProxy,
    private readonly leaseMs: number,
    private readonly effectMs: number | undefined,
  ) {
    this.clients = new History(join(folder, 'clients.jsonl'));
    this.outside = new History(join(folder, 'outside.jsonl'));
  }

  static async start(options: InstallationOptions): Promise<Installation> {
    const folder = mkdtempSync(join(tmpdir(), 'aurora-streams-'));
    const services = await startServices({
      dataDir: join(folder, 'services'),
      source: serviceSource(),
      services: options.given === undefined ? ['postgres', 'redis'] : ['redis'],
      durable: options.durable ?? false,
      log: () => undefined,
    });
    const server = new URL(options.given?.url ?? services.postgres?.url ?? '');
    const secretFile = options.given?.secretFile ?? join(folder, 'secret');
    if (options.given === undefined) writeFileSync(secretFile, randomBytes(32), { mode: 0o600 });
    for (const name of ['gateway', 'agents']) writeKeyPair(folder, name);
    const proxy = await startFaultProxy(server.href);
    const { leaseMs = 30_000, effectMs } = options;
    const installation = new Installation(folder, services, server, secretFile, proxy, leaseMs, effectMs);
    installation.onStop(() => proxy.stop());
    if (options.effectMs !== undefined) await installation.#startOutsideAgent();
    return installation;
  }

  /** Whatever was started last ends first; the services end last. */
  onStop(end: () => Promise<unknown>): void {
    this.#closing.unshift(end);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#roles.values()].map((role) => role.kill()));
    for (const end of this.#closing) await end();
    await this.services.stop();
  }

  /** Removes the histories, too. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  get redisUrl(): string {
    return this.services.redis?.url ?? '';
  }

  /** A database with the schemas of the domains, new. */
  async createDatabase(name: string, domains: readonly string[]): Promise<void> {
    const admin = await this.openAdmin('postgres');
    await admin.query(`create database ${name}`);
    const log = createLog('soak', 'silent');
    for (const domain of domains)
      await migrateDomain({
        domain,
        adminUrl: this.#direct(name),
        secret: readFileSync(this.secretFile),
        migrations: MIGRATIONS[domain] ?? [],
        log,
      });
  }

  /** As a superuser and past the proxy: for what a run arranges behind the product's back, and for what it reads at the end. */
  async openAdmin(database: string): Promise<Client> {
    const client = new Client({ connectionString: this.#direct(database) });
    await client.connect();
    this.onStop(() => client.end());
    return client;
  }

  /** A client's own login, past the proxy: what it commits is what must not be lost. */
  async openDomain(
    database: string,
    domain: string,
    poolSize: number,
    role: LoginRole = 'svc',
    entities: DatabaseOptions['entities'] = [],
  ): Promise<Database> {
    const opened = await Database.open({
      domain,
      role,
      url: this.#direct(database),
      secret: readFileSync(this.secretFile),
      entities,
      log: createLog('soak', 'silent'),
      health: new Health('soak'),
      poolSize,
    });
    this.onStop(() => opened.close());
    return opened;
  }

  /** Signs in place of the agents domain. */
  get agentsKeyFile(): string {
    return join(this.folder, 'agents.pem');
  }

  /** Of the login that publishes a domain's events. */
  relayUrl(database: string, domain: string): string {
    return loginUrl(this.#direct(database), readFileSync(this.secretFile), domain, 'relay');
  }

  async openRedis(purpose: string): Promise<Redis> {
    const redis = connectRedis(this.redisUrl, purpose, new Health('soak'));
    this.onStop(async () => redis.disconnect());
    await whenReady(redis, 10_000);
    return redis;
  }

  /** @param variables - beside what every role gets. */
  startRole(
    role: string,
    name: string,
    database: string,
    variables: Readonly<Record<string, string>> = {},
  ): RoleProcess {
    const logs = join(this.folder, 'logs');
    mkdirSync(logs, { recursive: true });
    const process = new RoleProcess({
      role,
      logFile: join(logs, `${name}.log`),
      environment: {
        PORT: '0',
        AURORA_REPLICA: name,
        LOG_LEVEL: 'warn',
        DATABASE_URL: onDatabase(new URL(this.postgres.url), database),
        REDIS_URL: this.redisUrl,
        AURORA_SECRET_FILE: this.secretFile,
        GATEWAY_PUBLIC_KEY_FILE: join(this.folder, 'gateway.pub.pem'),
        AGENTS_PRIVATE_KEY_FILE: this.agentsKeyFile,
        AGENT_TASK_WORKER_METRICS_PORT: '0',
        A2A_URLS_FILE: join(this.folder, 'agents.json'),
        GATEWAY_URL: NO_GATEWAY,
        TASK_LEASE_MS: String(this.leaseMs),
        // What is started again and again is compiled once: a run is to spend its time on tasks.
        NODE_COMPILE_CACHE: join(this.folder, 'compiled'),
        ...variables,
      },
    });
    this.#roles.set(name, process);
    process.start();
    return process;
  }

  /** Processes that ended although nobody ended them. */
  crashes(): readonly string[] {
    return [...this.#roles].flatMap(([name, { crashes }]) => (crashes > 0 ? [`${name} ended ${crashes} times`] : []));
  }

  /** Ends Redis as a fault would, and starts it again on what it kept. */
  async restartRedis(): Promise<void> {
    this.services.kill('redis', 'SIGKILL');
    await eventually(
      () => this.services.pids.redis === undefined,
      (isGone) => isGone,
    );
    await this.services.startOne('redis');
  }

  #direct(database: string): string {
    return onDatabase(this.server, database);
  }

  /** @param effectMs - from an order to its effect at the outside target, milliseconds, from the next order on. @default as at the start */
  async setPace(effectMs = this.effectMs): Promise<void> {
    if (this.#outsideAgent === undefined || effectMs === undefined) throw new Error('There is no outside agent');
    const { url } = await tell<OutsideOrder, OutsideReport>(this.#outsideAgent, {
      history: this.outside.file,
      effectMs,
    });
    writeFileSync(join(this.folder, 'agents.json'), JSON.stringify({ orchestrator: url, endpoint: url }));
  }

  async #startOutsideAgent(): Promise<void> {
    const agent = forkProgram('soak/streams/outside-agent');
    this.onStop(() => agent.stop());
    this.#outsideAgent = agent;
    await this.setPace();
  }
}

function onDatabase(server: URL, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}

function writeKeyPair(folder: string, name: string): void {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  writeFileSync(join(folder, `${name}.pem`), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  writeFileSync(join(folder, `${name}.pub.pem`), publicKey.export({ type: 'spki', format: 'pem' }));
}
