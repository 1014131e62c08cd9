/**
 * Lets a bounded number of callers in at a time, taking turns between keys: one tenant's hundred slow queries cost another
 * tenant's single one a turn, not a hundred.
 */
import { AuroraError } from '../errors.js';

interface Waiting {
  readonly enter: () => void;
}

export class FairGate {
  #free: number;
  /** Callers that wait, per key; keys in the order in which their turn comes. */
  readonly #queues = new Map<string, Waiting[]>();
  /** Set once nobody is let in any more. */
  #closed: PromiseWithResolvers<void> | undefined;

  /**
   * @param places - callers inside at a time.
   * @param patienceMs - longest wait for a place, milliseconds.
   */
  constructor(
    private readonly places: number,
    private readonly patienceMs: number,
  ) {
    this.#free = places;
  }

  /**
   * @throws AuroraError `DEADLINE_EXCEEDED` when no place came free in time, `SERVICE_UNAVAILABLE` once the gate is closed; `work` has
   *   not begun then.
   */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    if (this.#closed)
      throw new AuroraError({ code: 'SERVICE_UNAVAILABLE', publicMessage: 'This process is stopping; try again' });
    await this.#enter(key);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  /** Refuses whoever comes from now on. Resolves once all who are inside, or wait already, have left. */
  close(): Promise<void> {
    this.#closed ??= Promise.withResolvers();
    this.#tellWhenEmpty();
    return this.#closed.promise;
  }

  #tellWhenEmpty(): void {
    if (this.#free === this.places) this.#closed?.resolve();
  }

  #enter(key: string): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const queue = this.#queues.get(key) ?? [];
      this.#queues.set(key, queue);
      const waiting: Waiting = {
        enter: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      const timer = setTimeout(() => {
        queue.splice(queue.indexOf(waiting), 1);
        if (queue.length === 0) this.#queues.delete(key);
        reject(
          new AuroraError({
            code: 'DEADLINE_EXCEEDED',
            publicMessage: 'The database is busy; try again',
            retryAfterSeconds: 2,
          }),
        );
      }, this.patienceMs);
      queue.push(waiting);
    });
  }

  /** Hands the place to the next key's oldest caller; the key then stands last. */
  #leave(): void {
    const next = this.#queues.entries().next().value;
    if (next === undefined) {
      this.#free += 1;
      this.#tellWhenEmpty();
      return;
    }
    const [key, queue] = next;
    this.#queues.delete(key);
    const waiting = queue.shift();
    if (queue.length > 0) this.#queues.set(key, queue);
    waiting?.enter();
  }
}
