/** Keeps something per token for as long as the token lives. */
export class TokenCache<V extends { readonly expiresAt: number }> {
  readonly #entries = new Map<string, V>();
  #sweptAt = 0;

  /** How many are kept, expired ones that were not swept yet too. */
  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  /**
   * Stays as small as the identities of one token lifetime. Nothing expires within a second, so it is swept once a second at
   * most: whoever has thousands of tokens alive would otherwise look at each of them for every new one.
   *
   * @param now - seconds since the epoch.
   */
  set(key: string, value: V, now: number): void {
    if (now !== this.#sweptAt) this.#sweep(now);
    this.#entries.set(key, value);
  }

  #sweep(now: number): void {
    this.#sweptAt = now;
    for (const [key, { expiresAt }] of this.#entries) if (expiresAt <= now) this.#entries.delete(key);
  }
}
