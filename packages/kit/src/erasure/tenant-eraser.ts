/**
 * Erases tenants from one domain, as the site's domain asks.
 *
 * The stream only closes the tenant and wakes the eraser: what is to be done stands in `erasure_request`, so a process that is
 * killed, or a stream that is wiped, costs a few seconds. Each request has a pass of its own that begins after it came, and an
 * answer of its own. Replicas may work at once; what one has taken away the other does not find.
 */
import type { Redis } from 'ioredis';
import type { Database } from '../database/database.js';
import { describeError } from '../errors.js';
import { Alarm } from '../events/alarm.js';
import { readData } from '../events/event.js';
import type { EventRecorder } from '../events/record-event.js';
import type { Health } from '../health.js';
import { NO_TENANT } from '../ids.js';
import type { Logger } from '../log.js';
import type { StreamEntry } from '../streams/entry.js';
import { ERASURE_REQUESTED, type ErasureEvents, erasedSubject, erasureRequestedSchema } from './contract.js';
import { eraseEntries, type TenantStream } from './erase-entries.js';
import { closeTenant, eraseRows, findOpenErasures, noteRowsGone, type OpenErasure } from './erase-rows.js';

export interface TenantEraserOptions {
  /** Of the `svc` login: what is open, and the event at the end. */
  readonly database: Database;
  /** Of the `eraser` login. */
  readonly eraser: Database;
  readonly redis: Redis;
  readonly recorder: EventRecorder<ErasureEvents>;
  /** What the domain writes and reads, each stream once; asked each time: workers may be added after the start. */
  readonly streams: () => readonly TenantStream[];
  readonly log: Logger;
  readonly health: Health;
}

/** How often is looked for what a crash has left. */
const LOOK_MS = 2_000;
/**
 * Streams are looked at again after {@link LOOK_MS} where entries wait for a group, then after twice as long each time, at most
 * this: each look reads whole streams, and a group whose process is down may be so for days.
 */
const LONGEST_REST_MS = 60_000;

export class TenantEraser {
  readonly #abort = new AbortController();
  readonly #alarm = new Alarm();
  /** When the streams of a request that waits are looked at again, and how long it rests until then; by its number. */
  readonly #resting = new Map<number, { readonly until: number; readonly restMs: number }>();
  #running: Promise<void> | undefined;

  constructor(private readonly options: TenantEraserOptions) {}

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#alarm.ring();
    await this.#running;
  }

  /** The stream handler. When it returns, nothing is written for these tenants any more. */
  async close(entries: readonly StreamEntry[]): Promise<void> {
    for (const { fields, messageId } of entries) {
      if (fields.get('type') !== ERASURE_REQUESTED) continue;
      const event = { id: messageId, type: ERASURE_REQUESTED, body: fields.get('body') ?? '' };
      const { tenantId: tenant } = readData(event, erasureRequestedSchema);
      const erasureId = fields.get('subject') ?? '';
      const isNew = await closeTenant(this.options.eraser, { request: messageId, tenant, erasureId });
      const what = isNew ? 'Tenant is closed and going to be erased' : 'This erasure was asked for before';
      this.options.log.info({ tenant, erasureId, requestId: messageId }, what);
    }
    this.#alarm.ring();
  }

  async #run(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      const failure = await this.#look().catch(describeError);
      if (failure === undefined) this.options.health.set('eraser', 'up');
      else this.options.health.set('eraser', 'degraded', failure);
      await this.#alarm.wait(LOOK_MS);
    }
  }

  /** Goes on with every open erasure; one that fails keeps none of the others. @returns what failed last. */
  async #look(): Promise<string | undefined> {
    const { database, log } = this.options;
    let failure: string | undefined;
    const open = await findOpenErasures(database);
    for (const number of this.#resting.keys())
      if (!open.some((erasure) => erasure.number === number)) this.#resting.delete(number);
    for (const erasure of open) {
      if (performance.now() < (this.#resting.get(erasure.number)?.until ?? 0)) continue;
      try {
        await this.#erase(erasure);
      } catch (error) {
        failure = describeError(error);
        log.warn({ tenant: erasure.tenant, error: failure }, 'An erasure broke off; it goes on at the next look');
      }
    }
    return failure;
  }

  async #erase(erasure: OpenErasure): Promise<void> {
    const { tenant, erasureId, rowsAreGone } = erasure;
    const { eraser, redis, streams, log } = this.options;
    if (!rowsAreGone) {
      if (!(await eraseRows(eraser, tenant, this.#abort.signal))) return;
      await noteRowsGone(eraser, erasure);
    }
    const { entries, letters, waiting } = await eraseEntries(redis, streams(), tenant, this.#abort.signal);
    if (entries + letters > 0)
      await eraser.execute(
        `update ${eraser.domain}.erased_tenant set stream_entries = stream_entries + ?, dead_letters = dead_letters + ?
         where tenant = ?`,
        [entries, letters, tenant],
      );
    if (this.#abort.signal.aborted) return;
    if (waiting > 0) this.#rest(erasure, waiting);
    else if (await this.#finish(erasure))
      log.info({ tenant, erasureId, requestId: erasure.request }, 'Tenant is erased');
  }

  #rest({ number, tenant }: OpenErasure, waiting: number): void {
    const last = this.#resting.get(number);
    if (last === undefined)
      this.options.log.info(
        { tenant, waiting },
        'Entries of an erased tenant wait for the groups that are to read past them',
      );
    const restMs = last === undefined ? LOOK_MS : Math.min(2 * last.restMs, LONGEST_REST_MS);
    this.#resting.set(number, { until: performance.now() + restMs, restMs });
  }

  /** The end and the event that tells of it, together and once. @returns false where another replica was faster. */
  #finish({ number, request, tenant, erasureId }: OpenErasure): Promise<boolean> {
    const { database, recorder } = this.options;
    return database.inTenant(NO_TENANT, async (em) => {
      const [row] = (await em.execute(
        `with answered as (
           update ${database.domain}.erasure_request set answered_at = now() where number = ? and answered_at is null
           returning tenant
         ) select tables, stream_entries, dead_letters from ${database.domain}.erased_tenant join answered using (tenant)`,
        [number],
      )) as { tables: Record<string, number>; stream_entries: number; dead_letters: number }[];
      if (row === undefined) return false;
      const subject = erasedSubject(erasureId);
      // An erasure has an answer for each of its requests, and the log one event for each version of a subject. The update
      // above holds the request's row, and the tenant's next request is not looked at while this one is open: so no other
      // answer is given between this count and the commit.
      const [told] = (await em.execute(
        `select coalesce(max(version), 0) as times from ${database.domain}.event where subject = ?`,
        [subject],
      )) as { times: number }[];
      await recorder.record(em, {
        type: 'tenant.erased',
        subject,
        version: (told?.times ?? 0) + 1,
        tenant: NO_TENANT,
        actor: { kind: 'service', id: `${database.domain}/eraser` },
        data: {
          erasureId,
          ...(request === null ? {} : { requestId: request }),
          tenantId: tenant,
          tables: row.tables,
          streamEntries: row.stream_entries,
          deadLetters: row.dead_letters,
        },
        occurredAt: new Date(),
      });
      return true;
    });
  }
}
