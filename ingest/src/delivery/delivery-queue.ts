/**
 * Decides which batch is sent when; does no I/O.
 *
 * A batch is ready, then being sent, then sent, and gone once it is acknowledged. Batches that are being sent or sent
 * count against a window, so that a storage that stands still cannot make ingest fill Redis.
 */

export interface QueuedBatch {
  readonly id: string;
  readonly bytes: number;
}

export interface TakenBatch extends QueuedBatch {
  /** The stream has had it before. */
  readonly isRepeat: boolean;
}

export interface DeliveryQueueOptions {
  readonly maxBatches: number;
  readonly maxBytes: number;
  /** Wait before the first resend, milliseconds; doubles up to {@link MAX_RESEND_MS}. */
  readonly resendMs: number;
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number;
}

export const MAX_RESEND_MS = 10 * 60_000;

interface Tracked extends QueuedBatch {
  state: 'ready' | 'sending' | 'sent';
  /** Timeouts so far. */
  timeouts: number;
  dueAt: number;
  /** Which life of the stream it is being sent to. */
  life: number;
  wasSent: boolean;
}

export class DeliveryQueue {
  readonly #all = new Map<string, Tracked>();
  readonly #fresh = new Set<Tracked>();
  /** Ready for another time; goes before what is fresh. */
  readonly #again = new Set<Tracked>();
  readonly #sent = new Set<Tracked>();
  #windowBatches = 0;
  #windowBytes = 0;
  #life = 0;
  #lastSignOfLife = Number.NEGATIVE_INFINITY;
  #probedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: DeliveryQueueOptions) {}

  add(batch: QueuedBatch): void {
    const tracked: Tracked = { ...batch, state: 'ready', timeouts: 0, dueAt: 0, life: 0, wasSent: false };
    this.#all.set(batch.id, tracked);
    this.#fresh.add(tracked);
  }

  /** True when nothing is ready or being sent. */
  get isIdle(): boolean {
    return this.#fresh.size === 0 && this.#again.size === 0 && this.#all.size === this.#sent.size;
  }

  /** The first batch, in the order of their addition, that the stream does not hold; undefined when it holds all. */
  get oldestUnsent(): string | undefined {
    for (const { id, state } of this.#all.values()) if (state !== 'sent') return id;
    return undefined;
  }

  /** The next batch to send, now being sent; undefined when none is ready or the window is full. */
  take(): TakenBatch | undefined {
    const from = this.#again.size > 0 ? this.#again : this.#fresh;
    const batch = from.values().next().value;
    if (batch === undefined || !this.#hasRoomFor(batch)) return undefined;
    from.delete(batch);
    batch.state = 'sending';
    batch.life = this.#life;
    this.#windowBatches++;
    this.#windowBytes += batch.bytes;
    return { id: batch.id, bytes: batch.bytes, isRepeat: batch.wasSent };
  }

  /** The stream has the batch. */
  markSent(id: string): void {
    const batch = this.#all.get(id);
    if (batch?.state !== 'sending') return;
    batch.wasSent = true;
    this.#awaitAcknowledgement(batch);
    // The stream was lost while the batch was on its way there; nobody knows on which side of it the batch arrived.
    if (batch.life !== this.#life) this.#sendAgain(batch);
  }

  /** Sending failed; the batch is next again. */
  markFailed(id: string): void {
    const batch = this.#all.get(id);
    if (batch?.state === 'sending') this.#sendAgain(batch);
  }

  /** The batch itself cannot be sent; it waits like one whose acknowledgement is missing, and lets the others go first. */
  postpone(id: string): void {
    const batch = this.#all.get(id);
    if (batch?.state === 'sending') this.#awaitAcknowledgement(batch);
  }

  /** Storage has the batch: it is forgotten, in whatever state it is. */
  acknowledge(id: string): void {
    const batch = this.#all.get(id);
    if (batch === undefined) return;
    this.#lastSignOfLife = this.options.now();
    if (batch.state !== 'ready') this.#leaveWindow(batch);
    this.#all.delete(id);
    for (const set of [this.#fresh, this.#again, this.#sent]) set.delete(batch);
  }

  /** The stream is lost: everything that was sent to it is sent again. @returns how many batches. */
  sendAllAgain(): number {
    this.#life++;
    const lost = [...this.#sent];
    for (const batch of lost) this.#sendAgain(batch);
    return lost.length;
  }

  /**
   * Makes batches ready whose acknowledgement did not come in time. While storage acknowledges others, these are all of
   * them. While it shows no sign of life it is a single one per waiting time, as a probe: the others still lie in the
   * stream, and sending them again would only fill Redis. A probe goes to the end of the line, so that a batch which
   * storage never takes is not the probe for ever.
   *
   * @returns how many batches.
   */
  sendDueAgain(): number {
    const now = this.options.now();
    const isAlive = now - this.#lastSignOfLife < this.options.resendMs;
    if (!isAlive && now - this.#probedAt < this.options.resendMs) return 0;
    let count = 0;
    for (const batch of this.#sent) {
      if (batch.dueAt > now) continue;
      batch.timeouts++;
      this.#sendAgain(batch);
      count++;
      if (!isAlive) {
        this.#probedAt = now;
        break;
      }
    }
    return count;
  }

  #hasRoomFor(batch: Tracked): boolean {
    if (this.#windowBatches === 0) return true;
    return this.#windowBatches < this.options.maxBatches && this.#windowBytes + batch.bytes <= this.options.maxBytes;
  }

  #awaitAcknowledgement(batch: Tracked): void {
    batch.state = 'sent';
    batch.dueAt = this.options.now() + Math.min(MAX_RESEND_MS, this.options.resendMs * 2 ** batch.timeouts);
    this.#sent.add(batch);
  }

  #sendAgain(batch: Tracked): void {
    this.#leaveWindow(batch);
    this.#sent.delete(batch);
    batch.state = 'ready';
    this.#again.add(batch);
  }

  #leaveWindow(batch: Tracked): void {
    this.#windowBatches--;
    this.#windowBytes -= batch.bytes;
  }
}
