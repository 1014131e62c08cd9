import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockBuilder, MAX_BYTES_OF_BATCH, MAX_LINES_OF_BATCH, readLines } from './batch.js';

describe('blocks of lines', () => {
  it('hold the same bytes in the same order, within both limits', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 2_000 }), { maxLength: 1_500 }), (lines) => {
        const builder = new BlockBuilder();
        for (const line of lines) builder.add(line);
        const blocks = builder.finish();
        expect(blocks.flatMap(({ body }) => [...readLines(body)])).toEqual(lines.map((line) => Buffer.from(line)));
        for (const block of blocks) {
          expect(block.lines).toBeLessThanOrEqual(MAX_LINES_OF_BATCH);
          expect(block.body.byteLength).toBeLessThanOrEqual(MAX_BYTES_OF_BATCH);
          expect([...readLines(block.body)]).toHaveLength(block.lines);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('give a line above the limit a block of its own', () => {
    const builder = new BlockBuilder();
    for (const size of [1, MAX_BYTES_OF_BATCH + 1, 1]) builder.add(Buffer.alloc(size));
    expect(builder.finish().map(({ lines }) => lines)).toEqual([1, 1, 1]);
  });

  it('copy, so that the caller may use its bytes again', () => {
    const builder = new BlockBuilder();
    const line = Buffer.from('before');
    builder.add(line);
    line.fill('x');
    expect([...readLines(builder.finish()[0]?.body ?? Buffer.alloc(0))].map(String)).toEqual(['before']);
  });

  it('are refused when a length points beyond them', () => {
    expect(() => [...readLines(Buffer.from([0, 0, 0, 9, 1]))]).toThrow(RangeError);
    expect(() => [...readLines(Buffer.from([0, 0]))]).toThrow(RangeError);
  });
});
