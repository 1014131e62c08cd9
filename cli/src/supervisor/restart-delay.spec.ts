import { expect, it } from 'vitest';
import { RestartDelay } from './restart-delay.js';

it('waits longer each time, up to ten seconds, and is quick again after something that ran for a while', () => {
  const delay = new RestartDelay();
  let nowMs = 0;
  const endsAfter = (ranMs: number): number => {
    nowMs += ranMs;
    const waitMs = delay.next(nowMs);
    nowMs += waitMs;
    return waitMs;
  };
  const dying = Array.from({ length: 8 }, () => endsAfter(5_000));
  expect(dying).toEqual([200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
  expect([endsAfter(21_000), endsAfter(0)]).toEqual([200, 400]);
});
