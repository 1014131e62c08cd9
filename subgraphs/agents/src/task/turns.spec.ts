import { describe, expect, it } from 'vitest';
import { Turns } from './turns.js';

describe('turns', () => {
  it('follow each other; who asks before one has begun shares it, who asks later gets another', async () => {
    const ends: PromiseWithResolvers<void>[] = [];
    const turns = new Turns(() => {
      const end = Promise.withResolvers<void>();
      ends.push(end);
      return end.promise;
    });
    const begun = async (count: number): Promise<void> => {
      for (let n = 0; n < 10; n++) await Promise.resolve();
      expect(ends).toHaveLength(count);
    };
    const first = turns.take();
    await begun(1);
    const [second, shared] = [turns.take(), turns.take()];
    expect(shared).toBe(second);
    await begun(1);
    ends[0]?.resolve();
    await first;
    await begun(2);
    ends[1]?.resolve();
    await Promise.all([second, turns.settled()]);
  });

  it('come also after one that failed, and only those who waited for that one are told', async () => {
    let fails = true;
    const turns = new Turns(async () => {
      if (fails) throw new Error('no database');
    });
    await expect(turns.take()).rejects.toThrow('no database');
    fails = false;
    await turns.take();
    await turns.settled();
  });
});
