/**
 * One domain's rows through one login. Every access is a transaction under the tenant's session context, so row security
 * decides what is seen; a query that forgets the context sees nothing.
 */
import 'reflect-metadata';
import { type AnyEntity, type EntityClass, MikroORM } from '@mikro-orm/core';
import { ReflectMetadataProvider } from '@mikro-orm/decorators/legacy';
import { defineConfig, type EntityManager, type PostgreSqlDriver } from '@mikro-orm/postgresql';
import { TENANT_ERASED_STATE } from '../erasure/erasure-sql.js';
import { AuroraError, describeError, isConnectionError } from '../errors.js';
import type { Health } from '../health.js';
import { backoffMs, sleep } from '../lifecycle.js';
import type { Logger } from '../log.js';
import { FairGate } from './fair-gate.js';
import { makeReliable } from './reliable-pool.js';
import { type LoginRole, loginUrl } from './roles.js';

export type { EntityManager } from '@mikro-orm/postgresql';

export interface DatabaseOptions {
  readonly domain: string;
  readonly role: LoginRole;
  /** Server and database; a login in it is replaced by the role's. */
  readonly url: string;
  readonly secret: Buffer;
  readonly entities: readonly EntityClass<AnyEntity>[];
  readonly log: Logger;
  readonly health: Health;
  /** Most connections at a time. @default 4 */
  readonly poolSize?: number;
}

/** A statement that runs longer is ended by the server; a query of the graph has 10 s in all. */
const STATEMENT_TIMEOUT_MS = 10_000;
/** A server that has not even ended the statement by now will not answer any more. */
const READ_TIMEOUT_MS = 12_000;
const CONNECT_TIMEOUT_MS = 900;
/** A forgotten transaction would hold row locks, and with them every later change of the same entities. */
const IDLE_IN_TRANSACTION_MS = 15_000;
/** Longest wait for one of the pool's connections while others work on them. */
const PATIENCE_MS = 8_000;
/** Room is made by a person, or by retention. */
const FULL_RETRY_SECONDS = 60;
const DEFAULT_POOL_SIZE = 4;
const MAX_CONFLICT_RETRIES = 5;
/** What a statement ends with that took longer than it may. */
const QUERY_CANCELED = '57014';
/** serialization_failure, deadlock_detected */
const CONFLICT_CODES = new Set(['40001', '40P01']);

export class Database {
  private constructor(
    readonly domain: string,
    private readonly orm: MikroORM<PostgreSqlDriver>,
    private readonly health: Health,
    private readonly component: string,
    private readonly gate: FairGate,
  ) {}

  static async open(options: DatabaseOptions): Promise<Database> {
    const poolSize = options.poolSize ?? DEFAULT_POOL_SIZE;
    const component = options.role === 'svc' ? 'postgres' : `postgres ${options.role}`;
    const orm = await MikroORM.init(
      defineConfig({
        clientUrl: loginUrl(options.url, options.secret, options.domain, options.role),
        schema: options.domain,
        // It would try to create one that does not exist, and hide what PostgreSQL says of that.
        ensureDatabase: false,
        entities: [...options.entities],
        discovery: { warnWhenNoEntities: false },
        metadataProvider: ReflectMetadataProvider,
        forceUtcTimezone: true,
        logger: (message) => options.log.debug({ message }, 'MikroORM'),
        driverOptions: {
          max: poolSize,
          connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
          onPoolCreated: makeReliable,
          statement_timeout: STATEMENT_TIMEOUT_MS,
          query_timeout: READ_TIMEOUT_MS,
          keepAlive: true,
          idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
          application_name: `aurora ${options.domain} ${options.role}`,
        },
      }),
    );
    // The pool itself would count the wait for a busy connection as a failure to connect.
    return new Database(options.domain, orm, options.health, component, new FairGate(poolSize, PATIENCE_MS));
  }

  /**
   * Runs `work` in one transaction that sees and writes the tenant's rows only.
   *
   * Deadlocks and serialization failures are tried again, so `work` must not touch anything outside the transaction.
   * Inside, use the given entity manager and no other.
   *
   * @throws AuroraError `SERVICE_UNAVAILABLE` with `retryAfterSeconds` when PostgreSQL is away, `DEADLINE_EXCEEDED` when it
   *   is too slow, `STORAGE_FULL`.
   */
  inTenant<T>(tenant: string, work: (em: EntityManager) => Promise<T>): Promise<T> {
    return this.gate.run(tenant, () => this.#inTransaction(tenant, work));
  }

  async #inTransaction<T>(tenant: string, work: (em: EntityManager) => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      const em = this.orm.em.fork();
      em.setSessionContext({ variables: { 'app.tenant': tenant } });
      try {
        const result = await em.transactional(work);
        this.health.set(this.component, 'up');
        return result;
      } catch (error) {
        if (attempt < MAX_CONFLICT_RETRIES && CONFLICT_CODES.has(sqlStateOf(error) ?? '')) {
          await sleep(backoffMs(attempt, 10, 500));
          continue;
        }
        throw this.#mapError(error);
      }
    }
  }

  /** One statement outside of any tenant: for tables without row security; on all others it sees no rows. */
  async execute<T extends object>(sql: string, parameters: readonly unknown[] = []): Promise<T[]> {
    try {
      return (await this.gate.run('', () => this.orm.em.fork().execute(sql, [...parameters]))) as T[];
    } catch (error) {
      throw this.#mapError(error);
    }
  }

  /** Sets the component's health from one cheap query. */
  async ping(): Promise<boolean> {
    try {
      await this.execute('select 1');
      this.health.set(this.component, 'up');
      return true;
    } catch {
      return false;
    }
  }

  /** Waits for what is at work: a connection that is made while the pool ends is given back by nobody, and the end waits for it. */
  async close(): Promise<void> {
    await this.gate.close();
    await this.orm.close(true);
  }

  #mapError(error: unknown): unknown {
    if (error instanceof AuroraError) return error;
    if (sqlStateOf(error) === '53100')
      return new AuroraError({
        code: 'STORAGE_FULL',
        publicMessage: 'The database has no room left; writes are refused until there is',
        retryAfterSeconds: FULL_RETRY_SECONDS,
        cause: error,
      });
    if (sqlStateOf(error) === TENANT_ERASED_STATE)
      return new AuroraError({
        code: 'TENANT_ERASED',
        publicMessage: 'This tenant was erased; nothing can be written for it any more',
        cause: error,
      });
    if (sqlStateOf(error) === QUERY_CANCELED)
      return new AuroraError({
        code: 'DEADLINE_EXCEEDED',
        publicMessage: `The database took longer than ${STATEMENT_TIMEOUT_MS / 1000} s; ask for less at a time`,
        cause: error,
      });
    if (!isConnectionError(error)) return error;
    this.health.set(this.component, 'down', describeError(error));
    return new AuroraError({
      code: 'SERVICE_UNAVAILABLE',
      publicMessage: 'The database is away; try again',
      retryAfterSeconds: 2,
      cause: error,
    });
  }
}

/** PostgreSQL's SQLSTATE of a driver error, looked for along the `cause` chain. */
export function sqlStateOf(error: unknown): string | undefined {
  for (
    let current: unknown = error, depth = 0;
    current instanceof Error && depth < 5;
    current = current.cause, depth++
  ) {
    const code = (current as Error & { code?: unknown }).code;
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) return code;
  }
  return undefined;
}
