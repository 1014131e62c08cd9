import { describe, expect, it } from 'vitest';
import { batchIdAt, eventIdOf, isUuid, MAX_BATCH_LINES, newBatchId, newId, timestampOf } from './ids.js';

describe('ids', () => {
  it('are UUIDv7 that sort by creation and carry their millisecond', () => {
    const ids = Array.from({ length: 1_000 }, () => newId());
    expect(ids).toEqual([...ids].sort());
    expect(new Set(ids).size).toBe(1_000);
    expect(Math.abs((timestampOf(ids[0] ?? '') ?? 0) - Date.now())).toBeLessThan(1_000);
  });

  it('of events hold batch and line, and differ for each', () => {
    const batch = newBatchId();
    expect(eventIdOf(batch, 0)).toBe(batch);
    expect(eventIdOf(batch, 1)).not.toBe(batch);
    expect(isUuid(eventIdOf(batch, MAX_BATCH_LINES - 1))).toBe(true);
    expect(timestampOf(eventIdOf(batch, 77))).toBe(timestampOf(batch));
  });

  it('of the batches of one request follow from the first, and stay ids of batches', () => {
    const first = '0198c0de-0000-7000-8000-fffffffe0000';
    expect([0, 1, 2].map((index) => batchIdAt(first, index))).toEqual([
      first,
      '0198c0de-0000-7000-8000-ffffffff0000',
      '0198c0de-0000-7000-8000-000000000000',
    ]);
    const batch = newBatchId();
    const ids = Array.from({ length: 1_000 }, (_, index) => batchIdAt(batch, index));
    expect(new Set(ids).size).toBe(1_000);
    expect(ids.every((id) => isUuid(id) && timestampOf(id) === timestampOf(batch) && id.endsWith('0000'))).toBe(true);
  });

  it.each([-1, 0.5, MAX_BATCH_LINES])('refuse line %s', (line) => {
    expect(() => eventIdOf(newBatchId(), line)).toThrow(RangeError);
  });

  it.each(['', 'x', '0198C0DE-0000-7000-8000-000000000001', '0198c0de-0000-4000-8000-000000000001'])(
    'read no time off %j',
    (text) => {
      expect(timestampOf(text)).toBeUndefined();
    },
  );
});
