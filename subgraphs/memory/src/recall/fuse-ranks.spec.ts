import { describe, expect, it } from 'vitest';
import { fuseRanks } from './fuse-ranks.js';

describe('the fusion of ranks', () => {
  it('puts what both lists hold before what heads one of them', () => {
    const fused = fuseRanks({ VECTOR: ['a', 'b', 'c'], TEXT: ['d', 'b'] });
    expect(fused.map(({ id, matchedBy }) => [id, matchedBy])).toEqual([
      ['b', ['VECTOR', 'TEXT']],
      ['d', ['TEXT']],
      ['a', ['VECTOR']],
      ['c', ['VECTOR']],
    ]);
    expect(fused[0]?.score).toBeCloseTo(2 / 62, 10);
    expect(fused[2]?.score).toBeCloseTo(1 / 61, 10);
  });

  it('of equals puts the later id first, which is the newer entry', () => {
    expect(fuseRanks({ VECTOR: ['1'], TEXT: ['2'] }).map(({ id }) => id)).toEqual(['2', '1']);
  });

  it('of nothing is nothing', () => {
    expect(fuseRanks({ VECTOR: [], TEXT: [] })).toEqual([]);
  });
});
