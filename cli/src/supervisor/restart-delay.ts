const FIRST_MS = 200;
const LONGEST_MS = 10_000;
/** What ran this long died of something new: its next restart is quick again. */
const STABLE_AFTER_MS = 20_000;

/** How long to wait before something that ended unasked is started again: twice as long each time, so that it cannot spin. */
export class RestartDelay {
  #failures = 0;
  #lastStartMs = Number.NEGATIVE_INFINITY;

  /** @returns milliseconds from now, after which it is taken to be started. */
  next(nowMs = performance.now()): number {
    if (nowMs - this.#lastStartMs > STABLE_AFTER_MS) this.#failures = 0;
    const waitMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#failures++);
    this.#lastStartMs = nowMs + waitMs;
    return waitMs;
  }
}
