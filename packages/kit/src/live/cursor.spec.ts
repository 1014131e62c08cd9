import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CursorCodec, compareCursors, isCursor, isSameEpoch } from './cursor.js';

const secret = randomBytes(32);
const codec = new CursorCodec(secret, 'alerts');
const epoch = '00aa11bb22cc33dd';

describe('cursors', () => {
  it('come back as they went out, and compare as their positions do', () => {
    fc.assert(
      fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), fc.nat({ max: Number.MAX_SAFE_INTEGER }), (a, b) => {
        const [left, right] = [codec.encode({ epoch, position: a }), codec.encode({ epoch, position: b })];
        expect(codec.decode(left, 'after')).toEqual({ epoch, position: a });
        expect(Math.sign(compareCursors(left, right))).toBe(Math.sign(a - b));
        expect(isCursor(left)).toBe(true);
      }),
    );
  });

  it('tell their epoch', () => {
    const cursor = codec.encode({ epoch, position: 1 });
    expect(isSameEpoch(cursor, codec.encode({ epoch, position: 2 }))).toBe(true);
    expect(isSameEpoch(cursor, codec.encode({ epoch: 'fedcba9876543210', position: 1 }))).toBe(false);
  });

  it('are refused with the field when changed in any digit, or made for another domain or installation', () => {
    const cursor = codec.encode({ epoch, position: 4711 });
    const changed = Array.from(
      cursor,
      (digit, at) => cursor.slice(0, at) + (digit === '0' ? '1' : '0') + cursor.slice(at + 1),
    );
    const foreign = [new CursorCodec(secret, 'agents'), new CursorCodec(randomBytes(32), 'alerts')].map((other) =>
      other.encode({ epoch, position: 4711 }),
    );
    for (const bad of [...changed, ...foreign, '', cursor.toUpperCase(), `${cursor}0`]) {
      expect(() => codec.decode(bad, 'after'), bad).toThrow(
        expect.objectContaining({ code: 'BAD_CURSOR', field: 'after' }),
      );
    }
  });
});
