/**
 * Work that its caller takes in steps, so that others get their turn between two of them. A step ends where little enough
 * was done since the last: as a rule well below a hundredth of a second, and no more than one rule on one event, of which the
 * slowest that keeps to the limits takes 150 ms. The caller decides how many steps make a turn.
 */
export type Steps<T> = Generator<void, T, void>;

/** Takes all steps at once. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
