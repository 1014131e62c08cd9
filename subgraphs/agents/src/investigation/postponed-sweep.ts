/**
 * Looks after the waiting line. An investigation that ends starts the next one in its own transaction; the sweep is for what
 * that cannot see, such as an alert that joined the line at the very moment in which the last room became free.
 */
import type { Database } from '@aurorasoc/kit/database';
import { describeError } from '@aurorasoc/kit/errors';
import type { Health } from '@aurorasoc/kit/health';
import type { Logger } from '@aurorasoc/kit/log';
import { Gauge } from 'prom-client';
import type { StartServices } from './start-investigation.js';
import { startPostponed } from './start-postponed.js';
import { countWaiting, findWaitingTenants } from './waiting-line.js';

export interface PostponedSweepOptions extends StartServices {
  readonly database: Database;
  readonly health: Health;
  readonly log: Logger;
  /** Milliseconds between two sweeps. @default 10 000 */
  readonly everyMs?: number;
}

const EVERY_MS = 10_000;

export class PostponedSweep {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(private readonly options: PostponedSweepOptions) {
    const { database, health } = options;
    new Gauge({
      name: 'aurora_agent_investigations_postponed',
      help: 'Alerts of all tenants that wait for room to be investigated',
      registers: [health.metrics],
      async collect() {
        // While the database is away the last number stands; its own health component tells.
        const waiting = await countWaiting(database).catch(() => undefined);
        if (waiting !== undefined) this.set(waiting);
      },
    });
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#running ??= this.#sweep().finally(() => {
        this.#running = undefined;
      });
    }, this.options.everyMs ?? EVERY_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  async #sweep(): Promise<void> {
    const { database, log } = this.options;
    const fail = (error: unknown, tenant?: string): void =>
      log.warn(
        { tenant, error: describeError(error) },
        'Postponed investigations could not be started; the next sweep tries again',
      );
    const tenants = await findWaitingTenants(database).catch((error: unknown) => {
      fail(error);
      return [];
    });
    for (const tenant of tenants) {
      try {
        const started = await database.inTenant(tenant, (em) => startPostponed(em, this.options, tenant));
        if (started > 0) log.info({ tenant, started }, 'Postponed investigations were started');
      } catch (error) {
        // Those of the other tenants are started all the same.
        fail(error, tenant);
      }
    }
  }
}
