import { describe, expect, it } from 'vitest';
import { SharedRuns } from './shared-runs.js';

describe('shared runs', () => {
  it('follow each other; who asks before one has begun shares it, who asks later gets another', async () => {
    const ends: PromiseWithResolvers<void>[] = [];
    const runs = new SharedRuns(() => {
      const end = Promise.withResolvers<void>();
      ends.push(end);
      return end.promise;
    });
    const begun = async (count: number): Promise<void> => {
      for (let n = 0; n < 10; n++) await Promise.resolve();
      expect(ends).toHaveLength(count);
    };
    const first = runs.run();
    await begun(1);
    const [second, shared] = [runs.run(), runs.run()];
    expect(shared).toBe(second);
    await begun(1);
    ends[0]?.resolve();
    await first;
    await begun(2);
    ends[1]?.resolve();
    await Promise.all([second, runs.settled()]);
  });

  it('come also after one that failed, and only those who waited for that one are told', async () => {
    let fails = true;
    const runs = new SharedRuns(async () => {
      if (fails) throw new Error('no database');
    });
    await expect(runs.run()).rejects.toThrow('no database');
    fails = false;
    await runs.run();
    await runs.settled();
  });
});
