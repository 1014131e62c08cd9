/** Closes a run with one plain line that scripts can read: `N passed, N failed`; what was skipped is told before it. */
import type { Reporter, TestModule } from 'vitest/node';

export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const counts = { passed: 0, failed: errors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) counts[test.result().state] += 1;
      // A file that could not even be loaded has no tests to fail.
      if (module.state() === 'failed' && [...module.children.allTests('failed')].length === 0) counts.failed += 1;
    }
    const skipped = counts.skipped + counts.pending;
    if (skipped > 0) console.log(`${skipped} skipped`);
    console.log(`${counts.passed} passed, ${counts.failed} failed`);
  }
}
