/** Work and what happens to it, side by side: neither goes on alone when the other fails, and no failure is lost. */

export interface Faults {
  /** Whether each has ended, well or not. */
  readonly areOver: boolean;
  /** Aborted, with its error, by the first that fails: the work is to end, since it would prove nothing any more. */
  readonly failed: AbortSignal;
}

/** Ends when it is done, or when its signal says that the work is over; then it may complete what it owes. */
type Fault = (workIsOver: AbortSignal) => Promise<void>;

/**
 * Resolves once the work and all faults have ended, to what the work gave.
 *
 * @throws what the first fault failed with, else what the work did: work that was cut short says less.
 */
export async function underFaults<T>(faults: readonly Fault[], work: (faults: Faults) => Promise<T>): Promise<T> {
  const [over, failed] = [new AbortController(), new AbortController()];
  let left = faults.length;
  const happening = faults.map(async (fault) => {
    try {
      await fault(over.signal);
    } catch (error) {
      failed.abort(error);
    }
    left -= 1;
  });
  const state: Faults = {
    get areOver() {
      return left === 0;
    },
    failed: failed.signal,
  };
  try {
    return await work(state);
  } finally {
    over.abort();
    await Promise.all(happening);
    failed.signal.throwIfAborted();
  }
}
