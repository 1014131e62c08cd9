/**
 * One client's subscription: what graphql-ws iterates, with a bounded queue before it.
 *
 * Not an async generator: `return()` of a generator that waits takes effect at its next item only, and the subgraph's side
 * of the subscription would stay open until then.
 */
import type { ExecutionResult, GraphQLError } from 'graphql';
import type { Session } from '../auth/authenticator.js';
import { isCoveredBy, type LiveItem } from './live-item.js';
import { Ring, type RingLimits } from './ring.js';

export interface ReaderOptions {
  readonly session: Session;
  readonly limits: RingLimits;
  /** Where the client is when it begins. */
  readonly after: string | undefined;
  /** Makes the item that stands for dropped ones; undefined for fields without cursors, whose items are just dropped. */
  readonly shapeResync: ((since: string) => LiveItem) | undefined;
  /** Called with the number of items that were dropped. */
  readonly onOverflow: (dropped: number) => void;
  /** Called once, when the client has left or the stream has ended. */
  readonly onClose: () => void;
}

export class Reader implements AsyncGenerator<ExecutionResult, void, undefined> {
  readonly session: Session;
  /** Set by whoever feeds several readers: this one is not waited for until it has read on. */
  isLagging = false;
  readonly #ring: Ring<LiveItem>;
  #place: string | undefined;
  /** Since when the oldest item that is queued could have been taken; `performance.now()`. */
  #standsSince = 0;
  #isEnded = false;
  #isClosed = false;
  #failure: GraphQLError | undefined;
  #wakeClient: () => void = () => undefined;
  #wakeWriters: (() => void)[] = [];

  constructor(private readonly options: ReaderOptions) {
    this.session = options.session;
    this.#ring = new Ring(options.limits);
    this.#place = options.after;
  }

  /** Cursor of the last item that was put in, whether the client has read it or not. */
  get place(): string | undefined {
    return this.#place;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get hasRoom(): boolean {
    return this.#isClosed || this.#ring.hasRoom;
  }

  /** Whether all of them can be put in at once and leave half of the queue to what follows them. */
  hasRoomFor(items: readonly LiveItem[]): boolean {
    return this.#isClosed || this.#ring.hasRoomFor(items);
  }

  /** Resolves when most of the queue is free, or the client has gone. */
  whenRoom(): Promise<void> {
    if (this.hasRoom) return Promise.resolve();
    return new Promise((resolve) => this.#wakeWriters.push(resolve));
  }

  /** Whether items were queued for so long, and the client took none. */
  hasStoodFor(ms: number): boolean {
    return this.#ring.size > 0 && performance.now() - this.#standsSince >= ms;
  }

  /** Puts an item in, unless the client has it already. A full queue is emptied; see {@link ReaderOptions.shapeResync}. */
  offer(item: LiveItem): void {
    if (this.#isClosed || this.#isEnded || isCoveredBy(item, this.#place)) return;
    if (this.#ring.size === 0) this.#standsSince = performance.now();
    if (!this.#ring.push(item)) this.#overflow(item);
    this.#place = item.cursor ?? this.#place;
    this.#wakeClient();
  }

  /** Lets the client read what is queued, then completes its subscription, with `error` as the last message if given. */
  end(error?: GraphQLError): void {
    this.#failure = error;
    this.#isEnded = true;
    this.#wakeClient();
  }

  async next(): Promise<IteratorResult<ExecutionResult, void>> {
    while (!this.#isClosed) {
      const item = this.#ring.shift();
      if (item !== undefined) {
        this.#standsSince = performance.now();
        if (this.#ring.hasRoom) this.#tellWriters();
        return { value: item.result, done: false };
      }
      if (this.#isEnded) return this.#finish();
      await new Promise<void>((resolve) => {
        this.#wakeClient = resolve;
      });
    }
    return { value: undefined, done: true };
  }

  async return(): Promise<IteratorResult<ExecutionResult, void>> {
    this.#close();
    return { value: undefined, done: true };
  }

  async throw(error: unknown): Promise<IteratorResult<ExecutionResult, void>> {
    this.#close();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close();
  }

  #overflow(item: LiveItem): void {
    const { shapeResync, onOverflow } = this.options;
    // A single item can be larger than the whole queue; then it is dropped with the others.
    const since = (this.#ring.size > 0 ? this.#place : undefined) ?? item.cursor;
    const dropped = this.#ring.size;
    this.#ring.clear();
    if (shapeResync && since !== undefined) this.#ring.push(shapeResync(since));
    const isQueued = this.#ring.push(item);
    onOverflow(isQueued ? dropped : dropped + 1);
    if (isQueued || !shapeResync || item.cursor === undefined) return;
    this.#ring.clear();
    this.#ring.push(shapeResync(item.cursor));
  }

  #finish(): IteratorResult<ExecutionResult, void> {
    this.#close();
    if (this.#failure) throw this.#failure;
    return { value: undefined, done: true };
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#ring.clear();
    this.#tellWriters();
    this.#wakeClient();
    this.options.onClose();
  }

  #tellWriters(): void {
    this.isLagging = false;
    const waiting = this.#wakeWriters;
    this.#wakeWriters = [];
    for (const resolve of waiting) resolve();
  }
}
