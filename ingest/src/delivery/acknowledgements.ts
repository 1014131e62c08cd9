/**
 * Reads a consumer's acknowledgements: the entries of its stream that have the route's `stored` as `type` and the batch as
 * `subject`, or `discarded` and the batch in their data: a consumer keeps nothing of a tenant that was erased.
 *
 * There is no consumer group: every ingest process reads all entries, from the beginning at start, and keeps what is its own.
 */
import { describeError } from '@aurorasoc/kit/errors';
import type { Health } from '@aurorasoc/kit/health';
import { backoffMs, sleep } from '@aurorasoc/kit/lifecycle';
import type { Logger } from '@aurorasoc/kit/log';
import { compareEntryIds, type Redis, whenReady } from '@aurorasoc/kit/streams';
import { z } from 'zod';
import { answerWithin } from './answer-within.js';
import type { AcknowledgementsOf } from './route.js';

export interface AcknowledgementOptions extends AcknowledgementsOf {
  /** By which health knows this reader. */
  readonly component: string;
  /** A connection of its own: the read blocks. */
  readonly reader: Redis;
  /** The consumer has the batch, or has discarded it and wants nothing more of it. */
  readonly onSettled: (batchId: string, isDiscarded: boolean) => void;
  readonly health: Health;
  readonly log: Logger;
}

const START = '0-0';
const BLOCK_MS = 500;
const COUNT = 1_000;
const READY_WAIT_MS = 200;
/** A read that blocks for `BLOCK_MS` and takes this long has lost its connection without notice. */
const SILENCE_MS = 5_000;

type Entry = [id: string, fields: string[]];

export class Acknowledgements {
  /** Resolves when everything that was on the stream at start has been read. */
  readonly caughtUp: Promise<void>;
  #isBlocking = false;
  readonly #abort = new AbortController();
  #isCaughtUp: () => void = () => undefined;
  #lastId = START;
  #running: Promise<void> | undefined;

  constructor(private readonly options: AcknowledgementOptions) {
    this.caughtUp = new Promise((resolve) => {
      this.#isCaughtUp = resolve;
    });
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Reads the whole stream once more; batches that are acknowledged already are not known any more and ignored. */
  readFromStart(): void {
    this.#lastId = START;
  }

  /** The connection is closed, because its blocking read would hold the end up. */
  async stop(): Promise<void> {
    this.#abort.abort();
    this.#isCaughtUp();
    this.options.reader.disconnect();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { reader, component, health, log } = this.options;
    const signal = this.#abort.signal;
    for (let failures = 0; !signal.aborted; ) {
      try {
        if (!(await whenReady(reader, READY_WAIT_MS))) continue;
        const count = await this.#readEntries();
        if (count === 0) await this.#checkBackwards();
        health.set(component, 'up');
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        health.set(component, 'degraded', describeError(error));
        log.warn(
          { stream: this.options.stream, error: describeError(error) },
          'Acknowledgements cannot be read; trying again',
        );
        await sleep(backoffMs(failures++, 100, 1_000), signal);
      }
    }
  }

  /** A stream that was wiped and filled again has lower ids than those read before; waiting behind them would be for ever. */
  async #checkBackwards(): Promise<void> {
    if (this.#lastId === START) return;
    const lastId = this.#lastId;
    const generated = await lastGeneratedId(this.options.reader, this.options.stream);
    if (compareEntryIds(generated, lastId) >= 0 || lastId !== this.#lastId) return;
    this.options.log.warn(
      { lastRead: lastId, stream: generated },
      'The acknowledgement stream went backwards; reading it from the start',
    );
    this.readFromStart();
  }

  /** @returns how many entries there were. */
  async #readEntries(): Promise<number> {
    const { reader, stream } = this.options;
    const from = this.#lastId;
    // Blocking would hold the first publication up when there is nothing to learn.
    const read = this.#isBlocking
      ? reader.xread('COUNT', COUNT, 'BLOCK', BLOCK_MS, 'STREAMS', stream, from)
      : reader.xread('COUNT', COUNT, 'STREAMS', stream, from);
    const reply = await answerWithin(reader, SILENCE_MS, read);
    const entries = (reply?.[0]?.[1] ?? []) as Entry[];
    for (const [, fields] of entries) this.#take(fields);
    // Someone may have asked for the start meanwhile.
    if (this.#lastId === from) this.#lastId = entries.at(-1)?.[0] ?? from;
    if (entries.length < COUNT) {
      this.#isBlocking = true;
      this.#isCaughtUp();
    }
    return entries.length;
  }

  #take(fields: readonly string[]): void {
    const { stored, discarded, onSettled } = this.options;
    const type = fieldOf(fields, 'type');
    if (type !== stored && type !== discarded) return;
    const batchId = type === stored ? fieldOf(fields, 'subject') : discardedBatch(fieldOf(fields, 'body'));
    if (batchId !== undefined) onSettled(batchId, type === discarded);
  }
}

const discardedSchema = z.object({ data: z.object({ batchId: z.guid() }) });

/** @returns undefined for what a consumer of another version wrote: the batch is sent again, and asked about again. */
function discardedBatch(body: string | undefined): string | undefined {
  try {
    return discardedSchema.parse(JSON.parse(body ?? '')).data.batchId;
  } catch {
    return undefined;
  }
}

/** A field of an entry, whose names and values take turns. */
function fieldOf(fields: readonly string[], name: string): string | undefined {
  const at = fields.findIndex((field, index) => index % 2 === 0 && field === name);
  return at < 0 ? undefined : fields[at + 1];
}

/** The greatest id that the stream ever gave out; `0-0` when there is no stream. */
async function lastGeneratedId(redis: Redis, stream: string): Promise<string> {
  try {
    const info = (await answerWithin(redis, SILENCE_MS, redis.xinfo('STREAM', stream))) as unknown[];
    return String(info[info.indexOf('last-generated-id') + 1]);
  } catch (error) {
    if (describeError(error).includes('no such key')) return START;
    throw error;
  }
}
