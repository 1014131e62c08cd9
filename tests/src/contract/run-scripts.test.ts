/** What scripts can rely on when they run the repository's own. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import type { TestModule } from 'vitest/node';
import SummaryReporter from '../support/summary-reporter.js';

const RUN = fileURLToPath(new URL('../../dist/run.js', import.meta.url));

describe('npm run bench, conformance and soak', () => {
  it.each([
    [
      'bench',
      /^There is no bench "nothing"; there is (none in this version|npm run bench -- [a-z]+(, npm run bench -- [a-z]+)*)\n$/,
    ],
    [
      'conformance',
      /^There is no conformance "nothing"; there is npm run conformance -- sigma(, npm run conformance -- [a-z]+)*\n$/,
    ],
    ['soak', /^There is no soak "nothing"; there is npm run soak -- [a-z]+(, npm run soak -- [a-z]+)*\n$/],
  ])('%s of an unknown name exits with 2 and one line that names the known ones', (kind, line) => {
    const { status, stderr, stdout } = spawnSync(process.execPath, [RUN, kind, 'nothing'], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(line);
  });
});

describe('the last line of npm test', () => {
  const moduleOf = (states: readonly string[]): TestModule => {
    const tests = states.map((state) => ({ result: () => ({ state }) }));
    return {
      state: () => (states.includes('failed') ? 'failed' : 'passed'),
      children: {
        allTests: (state?: string) => tests.filter((test) => state === undefined || test.result().state === state),
      },
    } as unknown as TestModule;
  };

  it('is "N passed, N failed", also when some were skipped', () => {
    const lines: string[] = [];
    const print = vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
    new SummaryReporter().onTestRunEnd([moduleOf(['passed', 'passed', 'skipped']), moduleOf(['failed'])], []);
    print.mockRestore();
    expect(lines).toEqual(['1 skipped', '2 passed, 1 failed']);
  });
});
