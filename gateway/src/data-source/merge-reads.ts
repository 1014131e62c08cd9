/**
 * Merges identical reads that are in flight at the same time: one request is sent, everybody gets its answer.
 *
 * A read never joins one that was sent before a mutation ended, so whoever changes something and then looks sees the
 * change, even if somebody of the same identity had asked the same just before.
 */
export class ReadMerger<T> {
  readonly #inFlight = new Map<string, Promise<T>>();
  #generation = 0;

  /** @param key - holds everything that makes two reads the same: identity, service, body. */
  read(key: string, send: () => Promise<T>): Promise<T> {
    const generationKey = `${this.#generation} ${key}`;
    const running = this.#inFlight.get(generationKey);
    if (running) return running;
    const sent = send().finally(() => this.#inFlight.delete(generationKey));
    this.#inFlight.set(generationKey, sent);
    return sent;
  }

  /** Tells that a mutation was answered. */
  forgetReads(): void {
    this.#generation++;
  }
}
