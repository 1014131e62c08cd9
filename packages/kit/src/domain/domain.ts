/**
 * A domain's process: subgraph, workers, sequencer and relay, wired the same way in all six.
 */
import type { AnyEntity, EntityClass } from '@mikro-orm/core';
import type { GraphQLSchema } from 'graphql';
import type { Redis } from 'ioredis';
import { GATEWAY_ISSUER, readPublicKey, TokenVerifier } from '../auth/tokens.js';
import { Database } from '../database/database.js';
import type { DomainMigrations } from '../database/migrate.js';
import { type LoginRole, loginUrl } from '../database/roles.js';
import { readSecret } from '../environment.js';
import {
  ERASURE_REQUESTS,
  ERASURES_GROUP,
  eraserGroup,
  erasureAnswers,
  erasureEvents,
  erasureRoutes,
} from '../erasure/contract.js';
import type { TenantStream } from '../erasure/erase-entries.js';
import { isTenantErased, listErasedTenants } from '../erasure/erase-rows.js';
import { TenantEraser } from '../erasure/tenant-eraser.js';
import { describeError } from '../errors.js';
import { startEventPublisher } from '../events/publisher.js';
import { EventRecorder } from '../events/record-event.js';
import { eventStream } from '../events/relay.js';
import type { PrincipalContext } from '../graphql/rights.js';
import { closeServer, Health, serveHealth } from '../health.js';
import type { Stopper } from '../lifecycle.js';
import { CursorCodec } from '../live/cursor.js';
import { EventTail } from '../live/event-tail.js';
import type { LiveSource } from '../live/live-items.js';
import type { Logger } from '../log.js';
import { type ConsumerOptions, startConsumer } from '../streams/consumer.js';
import type { EntryFilterOptions } from '../streams/entry-filter.js';
import { purgeInbox } from '../streams/inbox.js';
import { connectRedis } from '../streams/redis.js';
import { startTelemetry } from '../telemetry.js';
import type { DomainEnvironment } from './environment.js';
import { passSchemaGate } from './schema-gate.js';
import { tenantStreams } from './tenant-streams.js';

/** What a domain's resolvers and workers build on. */
export interface DomainRuntime {
  readonly domain: string;
  readonly environment: DomainEnvironment;
  readonly log: Logger;
  readonly health: Health;
  /** The service login: entities, events, inbox. */
  readonly database: Database;
  readonly live: LiveSource;
  /** For commands; blocking readers get a connection of their own by {@link DomainRuntime.connectRedis}. */
  readonly redis: Redis;
  readonly stopper: Stopper;
  connectRedis(purpose: string): Redis;
  /** A further login, such as `store`, with its own pool. */
  openDatabase(role: LoginRole, entities: readonly EntityClass<AnyEntity>[]): Promise<Database>;
  /** Streams that the process' workers read. */
  readonly consumed: readonly TenantStream[];
  /** Starts a worker on streams; stopped with the process. */
  consume(
    options: EntryFilterOptions &
      Pick<ConsumerOptions, 'streams' | 'group' | 'handle'> &
      Partial<Pick<ConsumerOptions, 'attribute' | 'batchSize' | 'discard' | 'takeOverMs' | 'trimForGroups'>>,
  ): void;
}

/**
 * @typeParam S - services: what lives as long as the process.
 * @typeParam C - context of one operation.
 */
export interface DomainDefinition<S, C extends PrincipalContext> {
  readonly domain: string;
  readonly entities: readonly EntityClass<AnyEntity>[];
  /**
   * All of them, and no others, must have been applied before the domain does anything, and what follows them (the erasure of
   * tenants) done by a release whose statements for it are the same.
   */
  readonly migrations: DomainMigrations;
  /** Further stream per event type. */
  readonly routes: Readonly<Record<string, string>>;
  /**
   * Consumer groups of other domains on this one's event stream, with the types that each handles: a tenant's entries go once they
   * have read past them, and a stream that was wiped is filled again with what they need.
   */
  readonly readers?: Readonly<Record<string, readonly string[]>>;
  /** Other domains' groups on the streams that it routes to. */
  readonly routeReaders?: Readonly<Record<string, readonly string[]>>;
  /**
   * Called where the subgraph is served, as is `createContext`; both are to import what they need only then. Half of what a
   * process loads belongs to the graph, and a worker that is started in place of a lost one has no time for it.
   */
  readonly buildSchema: () => Promise<GraphQLSchema>;
  readonly createServices: (runtime: DomainRuntime) => S;
  readonly createContext: (services: S) => Promise<(base: PrincipalContext) => C>;
  readonly startWorkers: (services: S, runtime: DomainRuntime) => Promise<void>;
}

/**
 * What of a domain a process runs: everything, only the subgraph, or only the workers with sequencer and relay, which
 * may be replicated: consumers share their groups, and one sequencer at a time leads.
 */
export type DomainParts = 'all' | 'subgraph' | 'workers';

const HEALTH_PORT_OFFSET = 100;
const PING_MS = 2_000;
const PURGE_MS = 3_600_000;

/** Starts everything; each part is registered with the stopper, so that the process drains in reverse order. */
export async function startDomain<S, C extends PrincipalContext>(
  definition: DomainDefinition<S, C>,
  environment: DomainEnvironment,
  log: Logger,
  stopper: Stopper,
  parts: DomainParts = 'all',
): Promise<void> {
  const { domain } = definition;
  stopper.add('telemetry', startTelemetry(domain, environment.OTEL_EXPORTER_OTLP_ENDPOINT), (telemetry) =>
    telemetry.shutdown(),
  );
  const health = new Health(domain);
  // Until it is ready: workers may be at work long before the first query can be answered.
  health.set(parts === 'workers' ? 'workers' : 'subgraph', 'down', 'starting');
  const healthPort = environment.PORT === 0 ? 0 : environment.PORT + HEALTH_PORT_OFFSET;
  stopper.add(
    'health',
    await serveHealth(health, { port: healthPort, host: environment.HOST, log }),
    (server) => server && closeServer(server),
  );

  // Loading the graph holds the process up for a second or more: connections that are being made then would run out of time.
  const graph = parts === 'workers' ? undefined : await loadGraph(definition);
  const runtime = await createRuntime(definition, environment, log, health, stopper);
  await passSchemaGate({
    database: runtime.database,
    migrations: definition.migrations,
    health,
    signal: stopper.signal,
  });
  const services = definition.createServices(runtime);
  if (parts !== 'subgraph') {
    startPublisher(definition, runtime);
    await definition.startWorkers(services, runtime);
    await startEraser(definition, runtime);
    if (parts === 'workers') health.set('workers', 'up');
  }
  if (graph) await startSubgraph(definition, runtime, services, graph);
  log.info({ parts }, 'Ready');
}

function startPublisher<S, C extends PrincipalContext>(
  { domain, routes, readers = {}, routeReaders }: DomainDefinition<S, C>,
  { environment, log, health, stopper, connectRedis: connect }: DomainRuntime,
): void {
  const secret = readSecret(environment.AURORA_SECRET_FILE);
  stopper.add(
    'event publisher',
    startEventPublisher({
      domain,
      databaseUrl: loginUrl(environment.DATABASE_URL, secret, domain, 'relay'),
      redis: connect('relay'),
      routes: { ...routes, ...erasureRoutes(domain) },
      readers: {
        [eventStream(domain)]: Object.keys(readers),
        [erasureAnswers(domain)]: [ERASURES_GROUP],
        ...routeReaders,
      },
      refilled: Object.values(readers).flat(),
      log,
      health,
    }),
    (publisher) => publisher.stop(),
  );
}

/** Takes tenants away when the site asks for it; nothing of this is a domain's own business. */
async function startEraser<S, C extends PrincipalContext>(
  definition: DomainDefinition<S, C>,
  runtime: DomainRuntime,
): Promise<void> {
  const { domain } = definition;
  const { environment, database, redis, log, health, stopper } = runtime;
  const eraser = new TenantEraser({
    database,
    eraser: await runtime.openDatabase('eraser', []),
    redis,
    recorder: new EventRecorder(domain, environment.AURORA_SITE, erasureEvents),
    streams: () => tenantStreams(definition, runtime.consumed),
    log,
    health,
  });
  runtime.consume({
    streams: [ERASURE_REQUESTS],
    group: eraserGroup(domain),
    handle: (entries) => eraser.close(entries),
  });
  eraser.start();
  stopper.add('eraser', eraser, (started) => started.stop());
}

interface Graph {
  readonly schema: GraphQLSchema;
  readonly serveSubgraph: typeof import('../graphql/server.js').serveSubgraph;
}

async function loadGraph<S, C extends PrincipalContext>({ buildSchema }: DomainDefinition<S, C>): Promise<Graph> {
  const { serveSubgraph } = await import('../graphql/server.js');
  return { serveSubgraph, schema: await buildSchema() };
}

async function startSubgraph<S, C extends PrincipalContext>(
  definition: DomainDefinition<S, C>,
  { environment, log, health, stopper, live }: DomainRuntime,
  services: S,
  { schema, serveSubgraph }: Graph,
): Promise<void> {
  live.tail.start();
  stopper.add('live tail', live.tail, (tail) => tail.stop());
  const verifier = new TokenVerifier(
    definition.domain,
    new Map([[GATEWAY_ISSUER, readPublicKey(environment.GATEWAY_PUBLIC_KEY_FILE)]]),
  );
  const server = await serveSubgraph({
    schema,
    port: environment.PORT,
    host: environment.HOST,
    verifier,
    contextFor: await definition.createContext(services),
    log,
  });
  stopper.add('subgraph', server, () => {
    health.drain();
    return server.stop();
  });
  health.set('subgraph', 'up');
  log.info({ port: server.port }, 'Serving the subgraph');
}

async function createRuntime<S, C extends PrincipalContext>(
  definition: DomainDefinition<S, C>,
  environment: DomainEnvironment,
  log: Logger,
  health: Health,
  stopper: Stopper,
): Promise<DomainRuntime> {
  const { domain } = definition;
  const secret = readSecret(environment.AURORA_SECRET_FILE);
  const openDatabase = async (role: LoginRole, entities: readonly EntityClass<AnyEntity>[]): Promise<Database> =>
    stopper.add(
      `database ${role}`,
      await Database.open({ domain, role, url: environment.DATABASE_URL, secret, entities, log, health }),
      (database) => database.close(),
    );
  const connect = (purpose: string): Redis =>
    stopper.add(`redis ${purpose}`, connectRedis(environment.REDIS_URL, purpose, health), (redis) =>
      redis.disconnect(),
    );

  const database = await openDatabase('svc', definition.entities);
  const tail = new EventTail({ database, reader: connect('live'), log, health });
  keepChecking(database, tail, stopper, log);
  const redis = connect('commands');
  const consumed: TenantStream[] = [];
  return {
    domain,
    environment,
    log,
    health,
    database,
    live: { database, tail, cursors: new CursorCodec(secret, domain) },
    redis,
    stopper,
    connectRedis: connect,
    openDatabase,
    consumed,
    consume: (options) => {
      const { streams, group, attribute } = options;
      consumed.push(...streams.map((stream) => ({ stream, groups: [group], attribute })));
      const consumer = startConsumer({
        consumer: `${domain}-${environment.AURORA_REPLICA}`,
        redis,
        reader: connect(`consumer ${options.group}`),
        log,
        health,
        batchSize: environment.REDIS_BATCH_SIZE,
        blockMs: environment.REDIS_BLOCK_MS,
        isErased: (tenant) => isTenantErased(database, tenant),
        ...options,
      });
      stopper.add(`consumer ${options.group}`, consumer, () => consumer.stop());
    },
  };
}

/**
 * Health must tell of a lost database also while nobody asks for anything; the inbox must not grow for ever; and what is kept
 * in memory of a tenant must go with it.
 */
function keepChecking(database: Database, tail: EventTail, stopper: Stopper, log: Logger): void {
  const check = async (): Promise<void> => {
    if (!(await database.ping())) return;
    tail.forget((await listErasedTenants(database)).map(({ tenant }) => tenant));
  };
  const ping = setInterval(() => {
    check().catch((error: unknown) => log.debug({ error: describeError(error) }, 'Erased tenants could not be read'));
  }, PING_MS);
  const purge = (): void => {
    purgeInbox(database).catch((error: unknown) =>
      log.warn({ error: describeError(error) }, 'Inbox rows could not be removed'),
    );
  };
  // At once as well: a process that is started anew more often would never remove any.
  purge();
  stopper.add('database checks', [ping, setInterval(purge, PURGE_MS)], (timers) => timers.forEach(clearInterval));
}
