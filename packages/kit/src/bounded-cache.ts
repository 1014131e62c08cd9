/** A map that forgets what was used least recently. */
export class BoundedCache<V extends object> {
  readonly #entries = new Map<string, V>();
  #size = 0;

  /**
   * @param capacity - sum of what is kept; each entry costs whatever its value holds on to. The newest entry is kept in any case.
   * @param sizeOf - what a value counts; the same each time. @default 1 for each
   */
  constructor(
    private readonly capacity: number,
    private readonly sizeOf: (value: V) => number = () => 1,
  ) {}

  find(key: string): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    // A map keeps the order of insertion: what is set anew goes to its end.
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  set(key: string, value: V): void {
    this.#forget(key);
    this.#entries.set(key, value);
    this.#size += this.sizeOf(value);
    for (const oldest of this.#entries.keys()) {
      if (this.#size <= this.capacity || this.#entries.size === 1) return;
      this.#forget(oldest);
    }
  }

  /** The value of `key`, made and kept on first use; a throw of `make` is not kept. */
  get(key: string, make: () => V): V {
    const known = this.find(key);
    if (known !== undefined) return known;
    const made = make();
    this.set(key, made);
    return made;
  }

  #forget(key: string): void {
    const value = this.#entries.get(key);
    if (value === undefined) return;
    this.#entries.delete(key);
    this.#size -= this.sizeOf(value);
  }
}
