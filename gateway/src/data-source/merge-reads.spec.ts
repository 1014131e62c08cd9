import { describe, expect, it } from 'vitest';
import { ReadMerger } from './merge-reads.js';

describe('merging of reads', () => {
  it('sends equal reads once while the first is in flight, and again afterwards', async () => {
    const reads = new ReadMerger<number>();
    let sent = 0;
    const send = async () => ++sent;
    expect(await Promise.all([reads.read('a', send), reads.read('a', send), reads.read('b', send)])).toEqual([1, 1, 2]);
    expect(await reads.read('a', send)).toBe(3);
  });

  it('gives a failure to all who waited, and keeps none', async () => {
    const reads = new ReadMerger<number>();
    const fail = () => Promise.reject(new Error('away'));
    const results = await Promise.allSettled([reads.read('a', fail), reads.read('a', fail)]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await reads.read('a', async () => 1)).toBe(1);
  });

  it('does not let a read join one from before a mutation', async () => {
    const reads = new ReadMerger<string>();
    const early = Promise.withResolvers<string>();
    const first = reads.read('a', () => early.promise);
    reads.forgetReads();
    expect(await reads.read('a', async () => 'new')).toBe('new');
    early.resolve('old');
    expect(await first).toBe('old');
  });
});
