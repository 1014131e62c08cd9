/** What soaks do of faults that fail: they fail with that error, and leave nothing running. */
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { underFire } from '../soak/streams/tasks.js';
import { seededRandom } from '../support/random.js';
import { underFaults } from '../support/under-faults.js';

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

describe('work under faults', () => {
  it('gives its result once the faults have ended, which are told that it is over', async () => {
    let hasEnded = false;
    const fault = async (workIsOver: AbortSignal): Promise<void> => {
      await untilAborted(workIsOver);
      await wait(20);
      hasEnded = true;
    };
    expect(await underFaults([fault], async () => 'done')).toBe('done');
    expect(hasEnded).toBe(true);
  });

  it('is told of a fault that fails, and fails with its error whatever comes of the work', async () => {
    const broken = new Error('Redis does not start');
    const faults = [() => Promise.reject(broken), async () => undefined];
    const work = underFaults(faults, async ({ failed }) => {
      // Longer than Node waits with an unhandled rejection.
      await wait(20);
      failed.throwIfAborted();
    });
    await expect(work).rejects.toBe(broken);
    await expect(underFaults(faults, async () => 'done')).rejects.toBe(broken);
    await expect(underFaults(faults, () => Promise.reject(new Error('no answer')))).rejects.toBe(broken);
  });

  it('knows when all faults are over, failed ones included', async () => {
    const until = Promise.withResolvers<void>();
    const seen: boolean[] = [];
    const faults = [() => until.promise, () => Promise.reject(new Error('failed'))];
    const work = underFaults(faults, async (state) => {
      await wait(5);
      seen.push(state.areOver);
      until.resolve();
      await wait(5);
      seen.push(state.areOver);
    });
    await expect(work).rejects.toThrow('failed');
    expect(seen).toEqual([false, true]);
  });

  it('ends the faults when it fails', async () => {
    const broken = new Error('no answer');
    await expect(underFaults([untilAborted], () => Promise.reject(broken))).rejects.toBe(broken);
  });
});

it('a soak of tasks fails with the error of a restart that failed', async () => {
  const scene = {
    installation: { restartRedis: () => Promise.reject(new Error('Redis does not start')) },
    listener: { ended: new Map() },
    workers: [],
  } as unknown as Parameters<typeof underFire>[0];
  const faults = { kills: 1, redisRestarts: 1, postgresCuts: 0, overMs: 10 };
  const fire = underFire(scene, seededRandom(1), faults, async (failed) => {
    await wait(5_000, undefined, { signal: failed });
  });
  await expect(fire).rejects.toThrow('Redis does not start');
});
