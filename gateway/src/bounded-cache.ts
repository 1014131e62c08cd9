/** A map that forgets what was used least recently. */
export class BoundedCache<V> {
  readonly #entries = new Map<string, V>();

  /** @param capacity - entries kept; each costs whatever its value holds on to. */
  constructor(private readonly capacity: number) {}

  /** The value of `key`, made and kept on first use; a throw of `make` is not kept. */
  get(key: string, make: () => V): V {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return known;
    }
    const made = make();
    this.#entries.set(key, made);
    if (this.#entries.size > this.capacity) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    return made;
  }
}
