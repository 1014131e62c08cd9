/** The short form of each bench: that it counts right. How fast anything is, a busy machine decides. */
import { describe, expect, inject, it, vi } from 'vitest';
import { compare, judge, median, percentile } from './compare.js';
import { benchOutbox } from './outbox.js';
import { benchStore } from './store.js';
import { benchTasks } from './tasks.js';

vi.setConfig({ testTimeout: 120_000 });

const postgres = () => ({ url: inject('postgresUrl'), secretFile: inject('secretFile') });

describe('a comparison', () => {
  it('goes by the median of the rounds’ own ratios, without the first round, and by turns', async () => {
    const order: string[] = [];
    const playing = (name: string, rates: number[]) => ({
      name,
      round: async () => {
        order.push(name);
        return rates.shift() ?? 0;
      },
    });
    // On a machine that is slower by half in one round, that round's ratio stays.
    const comparison = await compare(
      playing('ours', [1, 40, 20, 30]),
      playing('peer', [1_000, 100, 50, 100]),
      3,
      'things',
    );
    expect(comparison).toEqual({ ours: 30, peer: 100, ratio: 0.4 });
    expect(order.join(' ')).toBe('ours peer ours peer peer ours ours peer');
  });

  it('is met at its floor, reaches its goal at its goal, and neither while something else does not hold', () => {
    const target = { goal: 0.5, floor: 0.2 };
    const judged = (ratio: number, met = true) => {
      const outcome = judge('x', ratio, target, [{ name: 'nothing is lost', met, seen: '' }]);
      return [outcome.met, outcome.goalMet];
    };
    expect([judged(0.19), judged(0.2), judged(0.5), judged(0.5, false)]).toEqual([
      [false, false],
      [true, false],
      [true, true],
      [false, false],
    ]);
  });

  it('knows medians and percentiles', () => {
    expect([median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([2, 2.5]);
    expect(
      percentile(
        Array.from({ length: 100 }, (_, n) => n),
        0.99,
      ),
    ).toBe(99);
    expect(() => median([])).toThrow(RangeError);
  });
});

describe('a bench', () => {
  it('of the store counts every row of both', async () => {
    expect(await benchStore({ rounds: 1, batches: 2 }, postgres())).toMatchObject({
      given: 800,
      stored: 800,
      copied: 800,
    });
  });

  it('of the outbox counts every event', async () => {
    const { published, written } = await benchOutbox(
      7,
      { rounds: 1, events: 600, atRest: 2, underLoad: 100 },
      postgres(),
    );
    expect(published).toBe(written);
    expect(written).toBe(1_200 + 3 + 100);
  });

  it('of the tasks counts every end', async () => {
    const { ended, given } = await benchTasks({ rounds: 1, tasks: 20, pathMs: 300 }, postgres());
    expect(ended).toBe(given);
    expect(given).toBeGreaterThan(40);
  });
});
