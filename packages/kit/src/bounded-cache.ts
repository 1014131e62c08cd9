/** A map that forgets what was used least recently. */
export class BoundedCache<V extends object> {
  readonly #entries = new Map<string, V>();

  /** @param capacity - entries kept; each costs whatever its value holds on to. */
  constructor(private readonly capacity: number) {}

  find(key: string): V | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  set(key: string, value: V): void {
    // A map keeps the order of insertion: what is set anew goes to its end.
    this.#entries.delete(key);
    this.#entries.set(key, value);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > this.capacity && oldest !== undefined) this.#entries.delete(oldest);
  }

  /** The value of `key`, made and kept on first use; a throw of `make` is not kept. */
  get(key: string, make: () => V): V {
    const known = this.find(key);
    if (known !== undefined) return known;
    const made = make();
    this.set(key, made);
    return made;
  }
}
