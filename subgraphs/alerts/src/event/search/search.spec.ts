import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseQuery } from './parse-query.js';
import { leavesOf, termHash, termsOf } from './terms.js';

describe('parseQuery', () => {
  it.each([
    ['', []],
    ['host.name:WS-01', [{ field: 'host.name', value: 'WS-01' }]],
    [
      '  event.code:1   user.name:"ann b"  ',
      [
        { field: 'event.code', value: '1' },
        { field: 'user.name', value: 'ann b' },
      ],
    ],
    [
      'event.code:1 AND user.name:ann',
      [
        { field: 'event.code', value: '1' },
        { field: 'user.name', value: 'ann' },
      ],
    ],
    ['@timestamp:"2026-01-01T00:00:00.000Z"', [{ field: '@timestamp', value: '2026-01-01T00:00:00.000Z' }]],
    ['file.path:"C:\\\\a \\"b\\""', [{ field: 'file.path', value: 'C:\\a "b"' }]],
    ['user.name:""', [{ field: 'user.name', value: '' }]],
  ])('reads %j', (query, terms) => {
    expect(parseQuery(query)).toEqual(terms);
  });

  it.each([
    ['powershell', /character 1 .* where a term like/],
    ['host.name:', /query ends where a value/],
    ['host.name:"open', /closing quote/],
    ['host.name:"a"b', /a blank between terms/],
    ['a:"\\n"', /character 5/],
    ['host.name:WS*', /Wildcards are not supported/],
    ['(a:b)', /character 1/],
  ])('refuses %j saying where', (query, message) => {
    expect(() => parseQuery(query)).toThrow(message);
    expect(() => parseQuery(query)).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT', field: 'query' }));
  });

  it.each([
    ['event.original', 'host.name or process.command_line'],
    ['event.hash', 'event.id'],
  ])('refuses %s, which no event would ever be found by, and says what to use', (field, instead) => {
    expect(() => parseQuery(`host.name:a ${field}:"b"`)).toThrow(
      expect.objectContaining({
        code: 'BAD_USER_INPUT',
        field: 'query',
        message: expect.stringMatching(new RegExp(`^${field} cannot be searched; use .*${instead}`)),
      }),
    );
  });

  it('reads back any value that was quoted', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (value) => {
        const quoted = `"${value.replace(/["\\]/g, '\\$&')}"`;
        expect(parseQuery(`a.b:${quoted}`)).toEqual([{ field: 'a.b', value }]);
      }),
    );
  });
});

describe('terms', () => {
  const document = {
    event: { code: '1', original: 'whole line' },
    host: { name: 'WS-01' },
    tags: ['a', 'b', null],
    n: 7,
    ok: true,
    none: null,
  };

  it('are the scalars of a document, arrays element by element', () => {
    expect(leavesOf(document)).toEqual([
      { field: 'event.code', value: '1' },
      { field: 'event.original', value: 'whole line' },
      { field: 'host.name', value: 'WS-01' },
      { field: 'tags', value: 'a' },
      { field: 'tags', value: 'b' },
      { field: 'n', value: '7' },
      { field: 'ok', value: 'true' },
    ]);
  });

  it('hold each searched leaf whatever its case, and not the original line', () => {
    const terms = termsOf(document);
    for (const [field, value] of [
      ['event.code', '1'],
      ['host.name', 'ws-01'],
      ['tags', 'B'],
      ['n', '7'],
      ['ok', 'TRUE'],
    ] as const)
      expect(terms, field).toContain(termHash(field, value));
    expect(terms).toHaveLength(6);
    expect(terms).not.toContain(termHash('event.original', 'whole line'));
  });

  it('fit a PostgreSQL integer', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (field, value) => {
        const hash = termHash(field, value);
        expect(Number.isInteger(hash) && hash >= -(2 ** 31) && hash < 2 ** 31).toBe(true);
      }),
    );
  });
});
