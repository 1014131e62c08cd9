/** Group commit: callers that wait at the same time share one write and one sync to disk. */

export interface Committable {
  readonly byteLength: number;
}

interface Waiting<T> {
  readonly item: T;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class GroupCommit<T extends Committable> {
  #queue: Waiting<T>[] = [];
  #queuedBytes = 0;
  #running: Promise<void> | undefined;

  /**
   * @param maxGroupBytes - a group is closed at this size, but always holds one item.
   * @param commit - makes a group durable, all or nothing; called for one group at a time.
   */
  constructor(
    private readonly maxGroupBytes: number,
    private readonly commit: (group: readonly T[]) => Promise<void>,
  ) {}

  /** Bytes that wait for their commit. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Resolves when the item is durable. @throws what the commit of its group threw. */
  add(item: T): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ item, resolve, reject });
      this.#queuedBytes += item.byteLength;
      this.#running ??= this.#run();
    });
  }

  /** Resolves when nothing waits any more. */
  async drain(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #run(): Promise<void> {
    // Callers of the same turn of the event loop belong to the first group already.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const group = this.#takeGroup();
      try {
        await this.commit(group.map(({ item }) => item));
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
      for (const { item } of group) this.#queuedBytes -= item.byteLength;
    }
    this.#running = undefined;
  }

  #takeGroup(): Waiting<T>[] {
    let bytes = 0;
    const next = this.#queue.findIndex(({ item }, index) => {
      bytes += item.byteLength;
      return index > 0 && bytes > this.maxGroupBytes;
    });
    return this.#queue.splice(0, next < 0 ? this.#queue.length : next);
  }
}
