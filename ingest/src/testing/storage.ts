/**
 * A consumer as ingest sees it, small enough to be obviously right: reads the batches, keeps each id once, and acknowledges.
 * Like the relay behind the real one it publishes its acknowledgements anew when their stream was wiped.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { newId } from '@aurorasoc/kit/ids';
import type { Redis } from 'ioredis';

export interface StoredEntry {
  readonly tenant: string;
  readonly received: string;
  readonly traceparent: string;
  /** Empty for events. */
  readonly device: string;
  readonly body: string;
}

/** What a consumer reads, and how it acknowledges. */
export interface Consumed {
  readonly stream: string;
  readonly acknowledgements: string;
  readonly stored: string;
  readonly discarded: string;
}

const EVENTS: Consumed = {
  stream: 'aurora:ingest:events:0',
  acknowledgements: 'aurora:alerts:acknowledgements',
  stored: 'batch.stored',
  discarded: 'batch.discarded',
};
export const TELEMETRY: Consumed = {
  stream: 'aurora:devices:telemetry:0',
  acknowledgements: 'aurora:devices:acknowledgements',
  stored: 'telemetry.stored',
  discarded: 'telemetry.discarded',
};
const POLL_MS = 10;

export class StandInStorage {
  /** By batch id; the first delivery wins. */
  readonly entries = new Map<string, StoredEntry>();
  /** Deliveries per batch id. */
  readonly deliveries = new Map<string, number>();
  /** Ids of batches that came a second time with other bytes; must stay empty. */
  readonly changed = new Set<string>();
  /** Batches are stored, but acknowledged only while this is true. */
  isAcknowledging = true;
  /** Batches are acknowledged as those of a tenant that was erased. */
  isDiscarding = false;
  readonly #redis: Redis;
  /** In the order of their positions. */
  readonly #acknowledged: string[] = [];
  readonly #unacknowledged = new Set<string>();
  #lastId = '0-0';
  #isStopping = false;
  #running: Promise<void> | undefined;

  constructor(
    redis: Redis,
    private readonly consumed = EVENTS,
  ) {
    this.#redis = redis.duplicate();
    this.#redis.on('error', () => undefined);
  }

  start(): this {
    this.#running = this.#run();
    return this;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#redis.disconnect();
    await this.#running;
  }

  /** Every event of every stored batch, parsed. */
  events(): Record<string, unknown>[] {
    return [...this.entries.values()].flatMap(({ body }) =>
      body.split('\n').map((document) => JSON.parse(document) as Record<string, unknown>),
    );
  }

  /** What a restored database does: its acknowledgements begin again at position 1. */
  async startNewEpoch(): Promise<void> {
    this.#acknowledged.length = 0;
    await this.#redis.del(this.consumed.acknowledgements);
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      try {
        await this.#read();
        await this.#acknowledge();
        await sleep(POLL_MS);
      } catch (error) {
        if (this.#isStopping) return;
        // Redis was killed by the spec; the connection comes back by itself.
        if (!(error instanceof Error)) throw error;
        await sleep(POLL_MS);
      }
    }
  }

  async #read(): Promise<void> {
    const { stream } = this.consumed;
    const info = (await this.#redis.xinfo('STREAM', stream).catch(() => [])) as unknown[];
    const generated = String(info[info.indexOf('last-generated-id') + 1] ?? '0-0');
    if (info.length === 0 || compare(generated, this.#lastId) < 0) this.#lastId = '0-0';
    const reply = await this.#redis.xread('COUNT', 1_000, 'STREAMS', stream, this.#lastId);
    for (const [entryId, flat] of reply?.[0]?.[1] ?? []) {
      const fields: Record<string, string> = {};
      for (let at = 0; at < flat.length; at += 2) fields[flat[at] ?? ''] = flat[at + 1] ?? '';
      const { id = '', tenant = '', received = '', traceparent = '', device = '', body = '' } = fields;
      if (this.entries.has(id) && this.entries.get(id)?.body !== body) this.changed.add(id);
      if (!this.entries.has(id)) this.entries.set(id, { tenant, received, traceparent, device, body });
      this.deliveries.set(id, (this.deliveries.get(id) ?? 0) + 1);
      this.#unacknowledged.add(id);
      this.#lastId = entryId;
    }
  }

  async #acknowledge(): Promise<void> {
    if (!this.isAcknowledging) return;
    const { acknowledgements, stored, discarded } = this.consumed;
    const published = await this.#redis.xlen(acknowledgements);
    this.#acknowledged.push(...this.#unacknowledged);
    this.#unacknowledged.clear();
    for (const [index, id] of this.#acknowledged.entries()) {
      if (index < published) continue;
      const answer = this.isDiscarding
        ? ['type', discarded, 'subject', newId(), 'body', JSON.stringify({ data: { batchId: id } })]
        : ['type', stored, 'subject', id];
      await this.#redis.xadd(acknowledgements, `${index + 1}-0`, ...answer, 'position', index + 1);
    }
  }
}

function compare(a: string, b: string): number {
  const [aMs = 0, aSeq = 0] = a.split('-').map(Number);
  const [bMs = 0, bSeq = 0] = b.split('-').map(Number);
  return aMs - bMs || aSeq - bSeq;
}
