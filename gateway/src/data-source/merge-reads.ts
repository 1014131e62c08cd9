/**
 * Merges identical reads that are in flight at the same time: one request is sent, everybody gets its answer. One that
 * joined late must not fail by the deadline of the one that was there first: it then asks once more, alone.
 *
 * A read never joins one that was sent before a mutation ended, so whoever changes something and then looks sees the
 * change, even if somebody of the same identity had asked the same just before.
 */
import { AuroraError } from '@aurorasoc/kit/errors';

export class ReadMerger<T> {
  readonly #inFlight = new Map<string, Promise<T>>();
  #generation = 0;

  /**
   * @param key - holds everything that makes two reads the same: identity, service, body.
   * @param send - fails with `DEADLINE_EXCEEDED` when its own time is up.
   */
  read(key: string, send: () => Promise<T>): Promise<T> {
    const generationKey = `${this.#generation} ${key}`;
    const running = this.#inFlight.get(generationKey);
    if (running) return running.catch((error: unknown) => (isDeadline(error) ? send() : Promise.reject(error)));
    const sent = send().finally(() => this.#inFlight.delete(generationKey));
    this.#inFlight.set(generationKey, sent);
    return sent;
  }

  /** Tells that a mutation ended, however it did: one whose answer was lost may have changed something all the same. */
  forgetReads(): void {
    this.#generation++;
  }
}

function isDeadline(error: unknown): boolean {
  return error instanceof AuroraError && error.code === 'DEADLINE_EXCEEDED';
}
