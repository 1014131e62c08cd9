import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPointer, resolvePointer } from './json-pointer.js';

/** The examples of RFC 6901, section 5. */
const DOCUMENT = {
  foo: ['bar', 'baz'],
  '': 0,
  'a/b': 1,
  'c%d': 2,
  'e^f': 3,
  'g|h': 4,
  'i\\j': 5,
  'k"l': 6,
  ' ': 7,
  'm~n': 8,
};

describe('JSON pointers', () => {
  it.each([
    ['', DOCUMENT],
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/c%d', 2],
    ['/i\\j', 5],
    ['/k"l', 6],
    ['/ ', 7],
    ['/m~0n', 8],
  ])('resolve %j as the RFC says', (pointer, value) => {
    expect(resolvePointer(DOCUMENT, pointer)).toEqual(value);
  });

  it.each([
    'foo',
    '/nope',
    '/foo/2',
    '/foo/-',
    '/foo/00',
    '/foo/length',
    '/__proto__',
    '/constructor',
    '/m~2n',
    '/foo/0/0',
  ])('find nothing at %j', (pointer) => {
    expect(resolvePointer(DOCUMENT, pointer)).toBeUndefined();
  });

  it('lead back to where they were made from', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 5 }), (path) => {
        const document = path.reduceRight<unknown>((inner, name) => Object.fromEntries([[name, inner]]), 'found');
        expect(resolvePointer(document, formatPointer(path))).toBe('found');
      }),
    );
  });
});
