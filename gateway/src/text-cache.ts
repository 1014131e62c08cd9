/** A map from texts that forgets what was used least recently, bounded by the bytes of its texts. */

export interface CacheLimits {
  /** A longer text is not kept at all. */
  readonly maxTextBytes: number;
  /** All texts together. What is kept for a text takes a multiple of it, which the owner has to know. */
  readonly maxBytes: number;
}

/**
 * For what is made from a client's document. A document of one-letter fields takes 240 times its text as a syntax tree
 * (measured: graphql 16, Node 24, heap after collection), so these texts hold at most about 64 MiB; longer names take less.
 */
export const DOCUMENT_CACHE: CacheLimits = { maxTextBytes: 16 * 1024, maxBytes: 256 * 1024 };

export class TextCache<V> {
  readonly #entries = new Map<string, { readonly value: V; readonly bytes: number }>();
  #bytes = 0;

  constructor(private readonly limits: CacheLimits) {}

  get(text: string): V | undefined {
    const entry = this.#entries.get(text);
    if (entry === undefined) return undefined;
    this.#entries.delete(text);
    this.#entries.set(text, entry);
    return entry.value;
  }

  /** Keeps a value that is not there yet, unless its text is too long. */
  add(text: string, value: V): void {
    const bytes = Buffer.byteLength(text);
    if (bytes > this.limits.maxTextBytes || this.#entries.has(text)) return;
    this.#entries.set(text, { value, bytes });
    this.#bytes += bytes;
    for (const [oldest, entry] of this.#entries) {
      if (this.#bytes <= this.limits.maxBytes) return;
      this.#entries.delete(oldest);
      this.#bytes -= entry.bytes;
    }
  }
}
