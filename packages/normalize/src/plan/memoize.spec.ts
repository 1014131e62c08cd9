import { describe, expect, it } from 'vitest';
import { JsonArray, type JsonValue } from '../json/json-value.js';
import { memoize } from './memoize.js';

function createCounted(): { lengthOf: (value: JsonValue) => number | undefined; calls: () => number } {
  let calls = 0;
  const lengthOf = memoize((value) => {
    calls++;
    return typeof value === 'string' ? value.length : undefined;
  });
  return { lengthOf, calls: () => calls };
}

describe('memoize', () => {
  it('computes a short scalar once, also when it comes from another line', () => {
    const { lengthOf, calls } = createCounted();
    expect(lengthOf('"host.example.com"')).toBe(18);
    expect(lengthOf('xx"host.example.com"'.slice(2))).toBe(18);
    expect(calls()).toBe(1);
  });

  it('computes long scalars, lists and missing results every time', () => {
    const { lengthOf, calls } = createCounted();
    for (const value of ['x'.repeat(500), new JsonArray([])]) {
      lengthOf(value);
      lengthOf(value);
    }
    expect(calls()).toBe(4);
  });

  it('stays right after more values than it keeps', () => {
    const { lengthOf } = createCounted();
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 5000; index++) expect(lengthOf(`${index}`)).toBe(`${index}`.length);
    }
  });
});
