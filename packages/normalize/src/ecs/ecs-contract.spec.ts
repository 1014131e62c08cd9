import { readdirSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createNormalizer } from '../create-normalizer.js';
import { BUNDLED_SPECS } from '../spec/bundled-specs.js';
import type { FieldSpec } from '../spec/mapping-spec.types.js';
import { isCustomField, type Leaf, listLeaves } from '../testing/list-leaves.js';
import { ECS_FIELDS, type EcsType } from './ecs-fields.js';

/** The closed vocabularies of ECS, as far as specs use them. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'event.kind': ['alert', 'asset', 'enrichment', 'event', 'metric', 'state', 'pipeline_error', 'signal'],
  'event.category':
    'api authentication configuration database driver email file host iam intrusion_detection library malware network package process registry session threat vulnerability web'.split(
      ' ',
    ),
  'event.type':
    'access admin allowed change connection creation deletion denied device end error group indicator info installation protocol start user'.split(
      ' ',
    ),
  'event.outcome': ['failure', 'success', 'unknown'],
};

const LOOKS_RIGHT: Readonly<Record<EcsType, (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string',
  date: (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value),
  ip: (value) => typeof value === 'string' && isIP(value) > 0,
  integer: (value) => Number.isSafeInteger(value),
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  object: (value) => typeof value === 'object' && value !== null,
};

/** @returns what is wrong with a field of an event; nothing if it keeps to ECS. */
function faultOf({ path, value }: Leaf): string | undefined {
  if (isCustomField(path)) return undefined;
  const field = ECS_FIELDS.get(path);
  if (field === undefined) return `${path} is not in ECS`;
  if (field.isList !== Array.isArray(value)) return `${path} ${field.isList ? 'must' : 'must not'} be a list`;
  const items = field.isList ? (value as unknown[]) : [value];
  const wrong = items.find(
    (item) => !LOOKS_RIGHT[field.type](item) || !(ALLOWED[path]?.includes(String(item)) ?? true),
  );
  return wrong === undefined ? undefined : `${path} has ${JSON.stringify(wrong)}`;
}

const FOLDER = new URL('../../testdata/', import.meta.url);
const INPUTS = readdirSync(FOLDER).filter((file) => file.endsWith('.input.jsonl'));

describe('the ECS contract', () => {
  it.each(INPUTS)('holds for every field of %s', (file) => {
    const line = readFileSync(new URL(file, FOLDER));
    const { json } = createNormalizer().normalize(line, { eventId: 'e1', ingested: '2026-03-04T05:06:10Z' });
    const leaves = listLeaves(JSON.parse(json), (path) => ECS_FIELDS.has(path));
    expect(leaves.map(faultOf).filter((fault) => fault !== undefined)).toEqual([]);
  });

  it('holds for raw events', () => {
    const { json } = createNormalizer().normalize(Buffer.from('?'), {
      eventId: 'e1',
      ingested: '2026-03-04T05:06:10Z',
    });
    const leaves = listLeaves(JSON.parse(json), (path) => ECS_FIELDS.has(path));
    expect(leaves.map(faultOf).filter((fault) => fault !== undefined)).toEqual([]);
  });

  it.each(BUNDLED_SPECS)('holds for every target and every constant of the spec $id', (spec) => {
    const fields = [...(spec.fields ?? []), ...(spec.cases ?? []).flatMap((item) => item.fields)];
    const faults = fields.flatMap((field) => listConstants(field).map((value) => faultOf({ path: field.to, value })));
    const unknown = fields.filter(({ to }) => !isCustomField(to) && !ECS_FIELDS.has(to)).map(({ to }) => to);
    expect(faults.filter((fault) => fault !== undefined)).toEqual([]);
    expect(unknown).toEqual([]);
  });

  it('notices a name, a type, a list and a value that ECS does not have', () => {
    const faults = [
      { path: 'process.image', value: 'x' },
      { path: 'process.pid', value: '7' },
      { path: 'event.category', value: 'process' },
      { path: 'event.type', value: ['started'] },
    ].map(faultOf);
    expect(faults).toEqual([
      'process.image is not in ECS',
      'process.pid has "7"',
      'event.category must be a list',
      'event.type has "started"',
    ]);
  });
});

/** Values a field can have that stand in the spec itself: its default and the results of a final table. */
function listConstants(field: FieldSpec): unknown[] {
  const [name, table] = field.op?.at(-1) ?? [];
  const results = name === 'map' ? Object.values(table as object) : [];
  return field.default === undefined ? results : [...results, field.default];
}
