import { encode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePayload } from './decode-payload.js';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const message = (changes: object = {}): Uint8Array => encode({ seq: 1, ts: 2, metrics: { a: 1 }, ...changes });
const REFUSED = { reason: 'UNDECODABLE' };

describe('a message of telemetry', () => {
  it('is read whole, whatever its metrics are called', () => {
    const metrics = { temperature: -0.5, door: 'öffen "\\', on: true, __proto__x: 0 };
    const decoded = decodePayload(encode({ seq: 2 ** 53 - 1, ts: 1_790_000_000_123, metrics }));
    expect(decoded).toEqual({
      measurement: {
        sequence: 2 ** 53 - 1,
        measuredAt: new Date(1_790_000_000_123),
        metrics: new Map(Object.entries(metrics)),
      },
    });
  });

  it('keeps a metric by the name __proto__ as what it is', () => {
    // {"seq": 1, "ts": 2, "metrics": {"__proto__": 3}}
    const decoded = decodePayload(hex('a3 63736571 01 627473 02 676d657472696373 a1 695f5f70726f746f5f5f 03'));
    expect(decoded).toMatchObject({ measurement: { metrics: new Map([['__proto__', 3]]) } });
  });

  it.each([
    ['nothing', ''],
    ['no map', '01'],
    ['bytes behind it', `${Buffer.from(message()).toString('hex')}00`],
    ['an end that is missing', Buffer.from(message()).subarray(0, -1).toString('hex')],
    ['a map of indefinite length', 'bf 63736571 01 627473 02 676d657472696373 a1 6161 01 ff'],
    ['a key twice', 'a3 63736571 01 63736571 02 676d657472696373 a1 6161 01'],
    ['a metric twice', 'a3 63736571 01 627473 02 676d657472696373 a2 6161 01 6161 02'],
    ['a number beyond 2^53', 'a3 63736571 1b0020000000000000 627473 02 676d657472696373 a1 6161 01'],
    ['NaN', 'a3 63736571 01 627473 02 676d657472696373 a1 6161 f97e00'],
    ['a tag', 'a3 63736571 01 627473 c1 02 676d657472696373 a1 6161 01'],
    ['a map that says it has 2^32 - 1 entries', 'ba ffffffff'],
    ['a text that says it has 2^32 - 1 bytes', 'a1 7a ffffffff'],
  ])('with %s is refused', (_what, bytes) => {
    expect(decodePayload(hex(bytes))).toEqual(REFUSED);
  });

  it.each([
    ['a negative number', { seq: -1 }],
    ['a fraction', { seq: 1.5 }],
    ['a time after the year 9999', { ts: 253_402_300_800_000 }],
    ['no metrics', { metrics: {} }],
    ['a metric without a name', { metrics: { '': 1 } }],
    ['a long name', { metrics: { ['x'.repeat(65)]: 1 } }],
    ['a long text', { metrics: { a: 'x'.repeat(1_025) } }],
    ['a text that cannot be stored', { metrics: { a: 'a\0b' } }],
    ['bytes', { metrics: { a: new Uint8Array(2) } }],
    ['null', { metrics: { a: null } }],
    ['a list', { metrics: { a: [1] } }],
    ['a map in a metric', { metrics: { a: { b: 1 } } }],
    ['too many metrics', { metrics: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`m${n}`, n])) }],
    ['another key', { extra: 1 }],
  ])('with %s is refused', (_what, changes) => {
    expect(decodePayload(message(changes))).toEqual(REFUSED);
  });

  it('that is deep is refused before it is followed down', () => {
    expect(decodePayload(Buffer.alloc(65_536, 0x81))).toEqual(REFUSED);
    expect(decodePayload(Buffer.alloc(65_536, 0xa1))).toEqual(REFUSED);
  });

  it('beyond 64 KiB is refused as too large', () => {
    expect(decodePayload(Buffer.alloc(65_537))).toEqual({ reason: 'TOO_LARGE' });
  });

  it('of any bytes gives a sample or a refusal, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const decoded = decodePayload(bytes);
        expect('reason' in decoded ? decoded.reason : decoded.measurement.metrics.size).toBeTruthy();
      }),
    );
  });
});
