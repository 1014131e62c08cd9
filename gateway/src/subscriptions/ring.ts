/** A queue with a bound on items and on bytes. */

export interface RingLimits {
  readonly maxItems: number;
  readonly maxBytes: number;
}

export class Ring<T extends { readonly bytes: number }> {
  #items: T[] = [];
  /** Index of the first item: taking one out must not move all others. */
  #head = 0;
  #bytes = 0;

  constructor(private readonly limits: RingLimits) {}

  get size(): number {
    return this.#items.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** True while less than a quarter is used: where writers that paused go on. */
  get hasRoom(): boolean {
    return this.size * 4 <= this.limits.maxItems && this.#bytes * 4 <= this.limits.maxBytes;
  }

  /** True when no more than half is used once they are in. */
  hasRoomFor(items: readonly T[]): boolean {
    const bytes = items.reduce((sum, item) => sum + item.bytes, this.#bytes);
    return (this.size + items.length) * 2 <= this.limits.maxItems && bytes * 2 <= this.limits.maxBytes;
  }

  /** @returns false, and keeps things as they are, when the item does not fit. */
  push(item: T): boolean {
    if (this.size >= this.limits.maxItems || this.#bytes + item.bytes > this.limits.maxBytes) return false;
    this.#items.push(item);
    this.#bytes += item.bytes;
    return true;
  }

  /**
   * Puts an item of any size in, when it is the only one.
   * @returns false, and keeps things as they are, when others are in.
   */
  pushAlone(item: T): boolean {
    if (this.size > 0) return false;
    this.#items.push(item);
    this.#bytes += item.bytes;
    return true;
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#head++;
    this.#bytes -= item.bytes;
    if (this.#head === this.#items.length || this.#head > this.limits.maxItems) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Oldest first. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (let index = this.#head; index < this.#items.length; index++) yield this.#items[index] as T;
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
    this.#bytes = 0;
  }
}
