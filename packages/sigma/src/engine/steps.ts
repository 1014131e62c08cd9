/**
 * Work that its caller takes in steps, so that others get their turn between two of them. A step ends where little enough
 * was done since the last: as a rule well below a hundredth of a second, and at most one rule on one event, or one comparison of
 * a rule that may take long. The slowest of these that keep to the limits are regular expressions; `regex-cost.spec.ts` prints
 * what they take, some three tenths of a second. The caller decides how many steps make a turn.
 */
export type Steps<T> = Generator<void, T, void>;

/** Takes all steps at once. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
