import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FairGate } from './fair-gate.js';

/** Work that lasts until it is told to end, and says when it began. */
function deferredWork(order: string[], name: string) {
  const end = Promise.withResolvers<void>();
  return {
    work: async () => {
      order.push(name);
      await end.promise;
    },
    end: () => end.resolve(),
  };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

describe('the gate before the pool', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('takes turns between tenants, each in the order of its callers', async () => {
    const gate = new FairGate(1, 10_000);
    const order: string[] = [];
    const works = ['a1', 'a2', 'a3', 'b1', 'c1', 'b2'].map((name) => deferredWork(order, name));
    const runs = works.map(({ work }, index) => gate.run('aaabcb'[index] ?? '', work));
    for (const { end } of works) end();
    await Promise.all(runs);
    expect(order).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2']);
  });

  it('that closes waits for all who are inside or wait already, and refuses others', async () => {
    const gate = new FairGate(1, 10_000);
    const order: string[] = [];
    const [inside, waiting] = [deferredWork(order, 'inside'), deferredWork(order, 'waiting')];
    const runs = [inside, waiting].map(({ work }) => gate.run('a', work));
    let isClosed = false;
    const closing = gate.close().then(() => {
      isClosed = true;
    });
    await expect(gate.run('a', async () => order.push('late'))).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    inside.end();
    await settle();
    expect([order, isClosed]).toEqual([['inside', 'waiting'], false]);
    waiting.end();
    await Promise.all([...runs, closing]);
    expect(isClosed).toBe(true);
    await gate.close();
  });

  it('never lets more in than there are places, also after failures', async () => {
    const gate = new FairGate(2, 10_000);
    let inside = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++inside);
      await Promise.resolve();
      inside -= 1;
      throw new Error('failed');
    };
    const runs = Array.from({ length: 20 }, (_, n) => gate.run(String(n % 3), work).catch(() => undefined));
    await Promise.all(runs);
    expect(most).toBe(2);
    await expect(gate.run('x', async () => 'in')).resolves.toBe('in');
  });

  it('turns away who waited too long, and gives the place to the next one', async () => {
    const gate = new FairGate(1, 1_000);
    const order: string[] = [];
    const first = deferredWork(order, 'first');
    const running = gate.run('a', first.work);
    const impatient = gate.run('a', async () => order.push('never'));
    const refused = expect(impatient).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED', retryAfterSeconds: 2 });
    await vi.advanceTimersByTimeAsync(1_000);
    await refused;
    const next = gate.run('a', async () => order.push('next'));
    first.end();
    await Promise.all([running, next]);
    await settle();
    expect(order).toEqual(['first', 'next']);
  });
});
