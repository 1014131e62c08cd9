/**
 * The one way in which a process consumes a stream: group, batches of one tenant, acknowledgement after the effect has
 * committed, retries, dead letters, and take-over from consumers that died.
 *
 * Delivery is at least once. The handler makes it harmless by writing an inbox row in the effect's own transaction, see
 * `handleOnce`.
 */
import type { Redis } from 'ioredis';
import { describeError, isConnectionError, NewerSchemaError, PoisonMessageError } from '../errors.js';
import type { Health } from '../health.js';
import { isUuid } from '../ids.js';
import { backoffMs, sleep } from '../lifecycle.js';
import type { Logger } from '../log.js';
import { consumerMetrics } from './consumer-metrics.js';
import { buryEntry, deadLetterStream, hasTooNew, replayStream, replayTooNew } from './dead-letters.js';
import { parseEntry, type RawEntry, type StreamEntry } from './entry.js';
import { EntryFilter, type EntryFilterOptions } from './entry-filter.js';
import { forgetConsumers, readLag } from './groups.js';
import { whenReady } from './redis.js';
import { LAST_ENTRY_ID, trimStream } from './trim-stream.js';

export interface ConsumerOptions extends EntryFilterOptions {
  readonly streams: readonly string[];
  readonly group: string;
  /** Stable over restarts, different in each replica: what a consumer left unfinished it takes up again by this name. */
  readonly consumer: string;
  /** For commands. */
  readonly redis: Redis;
  /** For the blocking read: a connection of the consumer's own, closed when it stops. */
  readonly reader: Redis;
  /**
   * Makes the effect of entries that share a tenant, in stream order: all or none of them, or one part after another, each with
   * its inbox rows. Returns when all of it has committed.
   * A throw of {@link PoisonMessageError} or {@link NewerSchemaError} buries a single entry at once; a lost connection
   * or a database that takes too long waits; all else is tried {@link MAX_ATTEMPTS} times.
   */
  readonly handle: (entries: readonly StreamEntry[]) => Promise<void>;
  /**
   * Gives entries whose writer could not know their tenants theirs, before they are batched; in whatever order they are to
   * be handled. A throw counts as a lost connection: the entries wait.
   */
  readonly attribute?: (entries: readonly StreamEntry[]) => Promise<readonly StreamEntry[]>;
  /** Whether a tenant was erased: what cannot be handled for it is discarded, and buries nobody's data anew. */
  readonly isErased?: (tenant: string) => Promise<boolean>;
  /** Told of entries that are discarded for that reason, before they are acknowledged. */
  readonly discard?: (entries: readonly StreamEntry[]) => Promise<void>;
  readonly log: Logger;
  readonly health: Health;
  /** Entries per read. @default 64 */
  readonly batchSize?: number;
  /** Longest wait for new entries, milliseconds. @default 1 000 */
  readonly blockMs?: number;
  /** Entries of another consumer that lay this long are taken over, milliseconds; longer than any honest handler. @default 30 000 */
  readonly takeOverMs?: number;
  /** Trims the streams below the slowest group; all of these groups must exist first. */
  readonly trimForGroups?: readonly string[];
}

export const MAX_ATTEMPTS = 5;

/** Hash beside a stream: how often a process ended while it handled an entry, by entry id. */
export function deathsKey(stream: string, group: string): string {
  return `${stream}:deaths:${group}`;
}

const RECONNECT_MS = 2_000;
const TOO_OLD =
  'Entries of a newer release wait in the dead letters: upgrade this process if it is of a former one, and every other that is; then replay what is left';

export interface Consumer {
  stop(): Promise<void>;
}

export function startConsumer(options: ConsumerOptions): Consumer {
  const consumer = new RunningConsumer(options);
  const running = consumer.run();
  return {
    stop: async () => {
      consumer.abort.abort();
      // Ends the blocking read at once. What the server had already given to it stays pending under this name.
      options.reader.disconnect();
      await running;
    },
  };
}

class RunningConsumer {
  readonly abort = new AbortController();
  readonly #component: string;
  /** Keys that are read, with the stream that each belongs to: the streams, and the replays of this group. */
  readonly #streamOf: ReadonlyMap<string, string>;
  readonly #metrics: ReturnType<typeof consumerMetrics>;
  readonly #filter: EntryFilter;
  #sweptAt = 0;
  #hasRetriedTooNew = false;
  #isTooOld = false;

  constructor(private readonly options: ConsumerOptions) {
    this.#component = `consumer ${options.group}`;
    this.#streamOf = new Map([
      ...options.streams.map((stream) => [stream, stream] as const),
      ...options.streams.map((stream) => [replayStream(stream, options.group), stream] as const),
    ]);
    this.#metrics = consumerMetrics(options.health);
    this.#filter = new EntryFilter(options);
  }

  async run(): Promise<void> {
    const { log, health, group } = this.options;
    const signal = this.abort.signal;
    for (let attempt = 0; !signal.aborted; ) {
      try {
        // At start and after a loss: the first command would only fail while the connection is being opened.
        await Promise.all([whenReady(this.options.redis, RECONNECT_MS), whenReady(this.options.reader, RECONNECT_MS)]);
        this.#filter.expectRepeats();
        await this.#createGroups();
        await this.#finishOwn();
        await this.#retryTooNew();
        health.set(this.#component, 'up');
        attempt = 0;
        while (!signal.aborted) {
          await this.#sweep();
          await this.#handleAll(await this.#readNew());
        }
      } catch (error) {
        if (signal.aborted) break;
        // NOGROUP after a FLUSHALL is mended by the next round; all else here is a connection.
        health.set(this.#component, 'degraded', describeError(error));
        log.warn({ group, error: describeError(error) }, 'Consumer waits for its services');
        await sleep(backoffMs(attempt++, 100, 1_000), signal);
      }
    }
  }

  /** At the beginning, never at `$`: what was written before the group existed is for it as well. */
  async #createGroups(): Promise<void> {
    for (const key of this.#streamOf.keys()) {
      await this.options.redis.xgroup('CREATE', key, this.options.group, '0', 'MKSTREAM').catch((error: Error) => {
        if (!error.message.startsWith('BUSYGROUP')) throw error;
      });
    }
  }

  /** Entries that this consumer was given before it was restarted. */
  async #finishOwn(): Promise<void> {
    const { reader, group, consumer, batchSize = 64 } = this.options;
    for (const key of this.#streamOf.keys()) {
      for (let after = '0'; !this.abort.signal.aborted; ) {
        const reply = await reader.xreadgroup('GROUP', group, consumer, 'COUNT', batchSize, 'STREAMS', key, after);
        const [[, page] = ['', []]] = (reply ?? []) as [string, RawEntry[]][];
        const last = page.at(-1);
        if (last === undefined) break;
        after = last[0];
        await this.#handleSuspects(await this.#present(key, page));
      }
    }
  }

  /** Once in the life of a process: what it could not read it can read no better later. */
  async #retryTooNew(): Promise<void> {
    if (this.#hasRetriedTooNew) return;
    const { redis, streams, group, log } = this.options;
    for (const stream of streams) {
      const count = await replayTooNew(redis, stream, group);
      if (count > 0) log.info({ group, stream, count }, 'Entries of a newer release are tried again');
    }
    this.#hasRetriedTooNew = true;
  }

  async #readNew(): Promise<StreamEntry[]> {
    const { reader, group, consumer, batchSize = 64, blockMs = 1_000 } = this.options;
    const keys = [...this.#streamOf.keys()];
    const reply = await reader.xreadgroup(
      'GROUP',
      group,
      consumer,
      'COUNT',
      batchSize,
      'BLOCK',
      blockMs,
      'STREAMS',
      ...keys,
      ...keys.map(() => '>'),
    );
    return ((reply ?? []) as [string, RawEntry[]][]).flatMap(([key, page]) => page.map((raw) => this.#parse(key, raw)));
  }

  #parse(key: string, raw: RawEntry): StreamEntry {
    return parseEntry(this.#streamOf.get(key) ?? key, raw, key);
  }

  /** Without those that were trimmed away while they were pending: proof of loss, counted and taken off the list. */
  async #present(key: string, page: readonly RawEntry[]): Promise<StreamEntry[]> {
    const lost = page.filter(([, fields]) => fields === null).map(([id]) => id);
    if (lost.length > 0) await this.#countLost(key, lost);
    return page.filter(([, fields]) => fields !== null).map((raw) => this.#parse(key, raw));
  }

  async #handleAll(entries: readonly StreamEntry[]): Promise<void> {
    for (const run of runsOfOneTenant(await this.#attribute(await this.#withoutPassedOver(entries)))) {
      if (this.abort.signal.aborted) return;
      await this.#handleRun(run);
    }
  }

  async #withoutPassedOver(entries: readonly StreamEntry[]): Promise<readonly StreamEntry[]> {
    const { toHandle, toAcknowledge } = await this.#filter.split(entries);
    await this.#acknowledge(toAcknowledge);
    return toHandle;
  }

  async #attribute(entries: readonly StreamEntry[]): Promise<readonly StreamEntry[]> {
    return entries.length === 0 ? entries : ((await this.options.attribute?.(entries)) ?? entries);
  }

  async #handleRun(entries: readonly StreamEntry[]): Promise<void> {
    const end = this.#metrics.duration.startTimer({ group: this.options.group });
    try {
      await this.options.handle(entries);
    } catch (error) {
      if (isConnectionError(error)) throw error;
      if (await this.#discardOfErased(entries)) return await this.#acknowledge(entries);
      // One bad entry must not take its neighbours along.
      for (const entry of entries) await this.#handleSingly(entry, entries.length === 1 ? error : undefined);
      return;
    } finally {
      end();
    }
    // Outside: the effect has committed, so a Redis that is away here is no failure of the handler.
    await this.#acknowledgeHandled(entries);
  }

  /** Asked only after a failure: a tenant that was erased lets nothing be written. @returns whether the run was discarded. */
  async #discardOfErased(entries: readonly StreamEntry[]): Promise<boolean> {
    const { isErased, discard, group, log } = this.options;
    const tenant = entries[0]?.tenant ?? '';
    if (!isErased || !isUuid(tenant) || !(await isErased(tenant))) return false;
    await discard?.(entries);
    this.#metrics.discarded.inc({ group }, entries.length);
    log.info({ group, tenant, count: entries.length }, 'Entries of an erased tenant were discarded');
    return true;
  }

  /** @param failure - of an attempt that was already made with this entry alone. */
  async #handleSingly(entry: StreamEntry, failure: unknown): Promise<void> {
    const { handle } = this.options;
    let attempts = failure === undefined ? 0 : 1;
    for (let error = failure; !this.abort.signal.aborted; attempts++) {
      if (attempts >= MAX_ATTEMPTS || isHopeless(error)) return this.#bury(entry, attempts, error);
      if (attempts > 0) await sleep(backoffMs(attempts, 20, 200), this.abort.signal);
      try {
        await handle([entry]);
      } catch (thrown) {
        if (isConnectionError(thrown)) throw thrown;
        error = thrown;
        continue;
      }
      return this.#acknowledgeHandled([entry]);
    }
  }

  async #bury(entry: StreamEntry, attempts: number, error: unknown): Promise<void> {
    const { redis, log, group } = this.options;
    const { stream, entryId, messageId } = entry;
    if (!(await buryEntry(redis, entry, { group, attempts, error }))) return;
    if (error instanceof NewerSchemaError) this.#tellTooNew(true);
    this.#metrics.dead.inc({ group });
    log.error({ group, stream, entryId, messageId, error: describeError(error) }, 'Entry went to the dead letters');
  }

  async #acknowledgeHandled(entries: readonly StreamEntry[]): Promise<void> {
    await this.#acknowledge(entries);
    this.#metrics.handled.inc({ group: this.options.group }, entries.length);
  }

  async #acknowledge(entries: readonly StreamEntry[]): Promise<void> {
    const { redis, group } = this.options;
    for (const [key, ofKey] of Map.groupBy(entries, (entry) => entry.key)) {
      const ids = ofKey.map((entry) => entry.entryId);
      await redis.xack(key, group, ...ids);
      // Replays are read by this group alone, so nobody else keeps them from being trimmed.
      if (key !== this.#streamOf.get(key)) await redis.xdel(key, ...ids);
    }
  }

  /** Takes over what dead consumers left, and trims; at most every half take-over time. */
  async #sweep(): Promise<void> {
    const { redis, group, consumer, takeOverMs = 30_000, batchSize = 64, trimForGroups } = this.options;
    if (Date.now() - this.#sweptAt < takeOverMs / 2) return;
    this.#sweptAt = Date.now();
    let isTooOld = false;
    for (const [key, stream] of this.#streamOf) {
      for (let cursor = '0-0'; ; ) {
        const [next, claimed, lost] = (await redis.xautoclaim(
          key,
          group,
          consumer,
          takeOverMs,
          cursor,
          'COUNT',
          batchSize,
        )) as [string, RawEntry[], string[] | undefined];
        if (lost && lost.length > 0) await this.#countLost(key, lost);
        this.#metrics.redelivered.inc({ group }, claimed.length);
        await this.#handleSuspects(claimed.map((raw) => this.#parse(key, raw)));
        if (next === '0-0' || this.abort.signal.aborted) break;
        cursor = next;
      }
      await forgetConsumers(redis, key, group, consumer);
      if (key !== stream) continue;
      if (trimForGroups) await trimStream(redis, stream, LAST_ENTRY_ID, trimForGroups);
      this.#metrics.lag.set({ stream, group }, await readLag(redis, stream, group));
      this.#metrics.letters.set({ stream }, await redis.xlen(deadLetterStream(stream)));
      isTooOld ||= await hasTooNew(redis, stream, group);
    }
    this.#tellTooNew(isTooOld);
  }

  /**
   * Also of what a replica of the former release has buried again since this process began: to be replayed once the last of those
   * is gone, by a person or by the next start.
   */
  #tellTooNew(isTooOld: boolean): void {
    const { health, group } = this.options;
    if (isTooOld) health.set(`schema ${group}`, 'degraded', TOO_OLD);
    else if (this.#isTooOld) health.set(`schema ${group}`, 'up');
    this.#isTooOld = isTooOld;
  }

  /**
   * Entries of one key that a process left unfinished: one of them may be what ended it. At first they are handled as any
   * others are, since mostly none is, and one by one costs a killed worker many times what it had read. Those that were at work
   * when a process ended again are handled one by one, so that the one that does it stands alone.
   *
   * Deaths are counted beside the stream; Redis' own delivery count also grows with each outage of the database, which is
   * nobody's fault.
   */
  async #handleSuspects(left: readonly StreamEntry[]): Promise<void> {
    const [first] = left;
    if (first === undefined) return;
    const key = deathsKey(first.key, this.options.group);
    const entries = await this.#withoutPassedOver(left);
    const passedOver = left.filter((entry) => !entries.includes(entry));
    if (passedOver.length > 0) await this.options.redis.hdel(key, ...passedOver.map(({ entryId }) => entryId));
    if (entries.length === 0) return;
    const deaths = await this.options.redis.hmget(key, ...entries.map((entry) => entry.entryId));
    const deathsOf = new Map(entries.map((entry, index) => [entry, Number(deaths[index] ?? 0)]));
    await this.#handleAtRisk(
      key,
      entries.filter((entry) => deathsOf.get(entry) === 0),
    );
    for (const entry of entries) {
      const count = deathsOf.get(entry) ?? 0;
      if (count >= MAX_ATTEMPTS) await this.#buryFatal(key, entry, count);
      else if (count > 0) await this.#handleAtRisk(key, [entry]);
    }
  }

  /** Should the process end meanwhile, each entry of the run that was at work has one more death. */
  async #handleAtRisk(key: string, entries: readonly StreamEntry[]): Promise<void> {
    const { redis } = this.options;
    for (const run of runsOfOneTenant(await this.#attribute(entries))) {
      if (this.abort.signal.aborted) return;
      const counting = redis.multi();
      for (const { entryId } of run) counting.hincrby(key, entryId, 1);
      await counting.exec();
      try {
        await this.#handleRun(run);
      } finally {
        // Still alive: whatever came of them, they did not end the process.
        await redis.hdel(key, ...run.map(({ entryId }) => entryId));
      }
    }
  }

  async #buryFatal(key: string, entry: StreamEntry, deaths: number): Promise<void> {
    const { redis } = this.options;
    const [owned = entry] = await this.#attribute([entry]);
    if (await this.#discardOfErased([owned])) await this.#acknowledge([owned]);
    else {
      await this.#bury(owned, deaths, new PoisonMessageError('It was being handled each time that its process ended'));
    }
    await redis.hdel(key, entry.entryId);
  }

  async #countLost(key: string, ids: readonly string[]): Promise<void> {
    this.#metrics.lost.inc({ group: this.options.group }, ids.length);
    this.options.log.error(
      { stream: key, group: this.options.group, ids: ids.slice(0, 10), count: ids.length },
      'Pending entries were trimmed away',
    );
    await this.options.redis.xack(key, this.options.group, ...ids);
  }
}

/** Trying again gives the same. */
function isHopeless(error: unknown): boolean {
  return error instanceof PoisonMessageError || error instanceof NewerSchemaError;
}

/** Splits into runs of neighbouring entries of one tenant; the order of the stream stays. */
export function runsOfOneTenant(entries: readonly StreamEntry[]): StreamEntry[][] {
  const runs: StreamEntry[][] = [];
  for (const entry of entries) {
    const run = runs.at(-1);
    if (run && run[0]?.tenant === entry.tenant && entry.tenant !== '') run.push(entry);
    else runs.push([entry]);
  }
  return runs;
}
