import { describe, expect, it } from 'vitest';
import { createNormalizer } from '../create-normalizer.js';
import { NormalizeError } from '../errors.js';
import { BUNDLED_SPECS } from './bundled-specs.js';
import { parseMappingSpec } from './parse-mapping-spec.js';

const CONTEXT = { eventId: 'e1', ingested: '2026-03-04T05:06:10Z' };

const door = {
  id: 'example.door',
  version: '1',
  shapes: [
    {
      id: 'reader',
      match: [{ at: ['door'], is: 'object' }],
      names: { who: ['badge.owner', 'door.opened_by'], side: ['door.side'] },
      data: { at: ['door.details'] },
    },
  ],
  absent: ['none'],
  fields: [
    { to: 'event.kind', default: 'event' },
    { to: 'user.name', from: 'who', op: [['lower']], default: 'unknown' },
    { to: 'related.user', from: ['who', 'data.escort'], collect: true },
  ],
  cases: [{ when: [{ of: ['side'], in: ['in'] }], fields: [{ to: 'event.action', default: 'entered' }] }],
  data: 'door.event_data',
  rest: 'aurora.fields',
};

function normalizeDoor(document: unknown): Record<string, unknown> {
  const normalizer = createNormalizer([parseMappingSpec(door)]);
  const event = JSON.parse(normalizer.normalize(Buffer.from(JSON.stringify(document)), CONTEXT).json);
  const { event: base, aurora, user, related, door: own } = event as Record<string, Record<string, unknown>>;
  return { kind: base?.kind, action: base?.action, user, related, own, rest: aurora?.fields };
}

const errorOf = (create: () => unknown): unknown => {
  try {
    return create();
  } catch (error) {
    return error;
  }
};

describe('a mapping spec', () => {
  it('maps the first usable source, gathers all, keeps data and rest, and applies its cases', () => {
    const document = {
      badge: { owner: 'none', id: 7 },
      door: { opened_by: 'ALICE', side: 'IN', details: { escort: 'bob', note: '' } },
    };
    expect(normalizeDoor(document)).toEqual({
      kind: 'event',
      action: 'entered',
      user: { name: 'alice' },
      related: { user: ['ALICE', 'bob'] },
      own: { event_data: { escort: 'bob', note: '' } },
      rest: { badge: { id: 7 } },
    });
  });

  it('falls back to defaults and leaves the rest empty', () => {
    expect(normalizeDoor({ door: { side: 'out' } })).toEqual({ kind: 'event', user: { name: 'unknown' } });
  });

  it('has a hash that follows its content and its parent, not its formatting', () => {
    const hashOf = (...specs: object[]): string => {
      const normalizer = createNormalizer(specs.map(parseMappingSpec));
      const { json } = normalizer.normalize(Buffer.from('{"door":{"side":"in"}}'), CONTEXT);
      return (JSON.parse(json) as { aurora: { spec: { sha256: string } } }).aurora.spec.sha256;
    };
    const child = { id: 'example.door.front', version: '1', extends: door.id, match: [{ of: ['side'], in: ['in'] }] };
    const reordered = Object.fromEntries(Object.entries(door).reverse());
    expect(hashOf(reordered)).toBe(hashOf(door));
    expect(hashOf({ ...door, version: '2' })).not.toBe(hashOf(door));
    expect(hashOf(door, child)).not.toBe(hashOf(door));
    expect(hashOf({ ...door, version: '2' }, child)).not.toBe(hashOf(door, child));
  });

  it.each<[string, object, string]>([
    ['an unknown member', { ...door, regex: '.*' }, 'example.door.regex'],
    ['a bad id', { ...door, id: 'Door' }, 'spec'],
    [
      'an unknown operator',
      { ...door, fields: [{ to: 'a', from: 'who', op: [['regex', 'x']] }] },
      'example.door.fields[0].op[0]',
    ],
    [
      'a bad argument',
      { ...door, fields: [{ to: 'a', from: 'who', op: [['split']] }] },
      'example.door.fields[0].op[0]',
    ],
    ['neither source nor constant', { ...door, fields: [{ to: 'a' }] }, 'example.door.fields[0]'],
    ['a reserved target', { ...door, fields: [{ to: 'event.hash', default: 'x' }] }, 'example.door.fields[0].to'],
    [
      'an upper-case condition',
      { ...door, cases: [{ when: [{ of: ['side'], in: ['IN'] }], fields: [] }] },
      'example.door.cases[0].when[0].in[0]',
    ],
    ['shapes beside extends', { ...door, extends: 'windows', match: [] }, 'example.door.shapes'],
    [
      'an unknown step',
      { ...door, shapes: [{ id: 'x', match: [], prepare: [['regex', 'a']] }] },
      'example.door.shapes[0].prepare[0]',
    ],
    [
      'a keep that is not ECS',
      { ...door, shapes: [{ id: 'x', match: [], keep: 'all' }] },
      'example.door.shapes[0].keep',
    ],
    ['no rest', { ...door, rest: undefined }, 'example.door.rest'],
  ])('with %s is refused, and told where', (_, spec, field) => {
    const error = errorOf(() => parseMappingSpec(JSON.parse(JSON.stringify(spec))));
    expect(error).toBeInstanceOf(NormalizeError);
    expect(error).toMatchObject({ code: 'INVALID_SPEC', field });
  });

  it.each<[string, object, string]>([
    ['a misspelt name', { ...door, fields: [{ to: 'a', from: 'whom' }] }, 'INVALID_SPEC'],
    [
      'targets inside each other',
      {
        ...door,
        fields: [
          { to: 'a', default: 1 },
          { to: 'a.b', default: 1 },
        ],
      },
      'INVALID_SPEC',
    ],
    ['a parent that is not there', { id: 'x', version: '1', extends: 'y', match: [] }, 'UNKNOWN_PARENT_SPEC'],
  ])('with %s does not compile', (_, spec, code) => {
    expect(errorOf(() => createNormalizer([parseMappingSpec(spec)]))).toMatchObject({ code });
  });

  it('that comes with the package is valid and has an id of its own', () => {
    expect(new Set(BUNDLED_SPECS.map((spec) => spec.id)).size).toBe(BUNDLED_SPECS.length);
    for (const spec of BUNDLED_SPECS) expect(parseMappingSpec(JSON.parse(JSON.stringify(spec)))).toEqual(spec);
  });
});
