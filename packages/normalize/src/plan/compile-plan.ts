/** Compiles one way of laying documents out (a shape) and what its fields mean (a spec) into a function. */
import { hash } from 'node:crypto';
import { ECS_FIELDS } from '../ecs/ecs-fields.js';
import { NormalizeError } from '../errors.js';
import { canonicalText } from '../json/canonical-text.js';
import { type JsonObject, type JsonText, quote } from '../json/json-value.js';
import type { FieldSpec, MappingSpec, ShapeSpec } from '../spec/mapping-spec.types.js';
import { compileConditions, compileField, type FieldScope, type FieldWriter } from './compile-field.js';
import { convertToEcs } from './convert-to-ecs.js';
import { OutputConflictError, OutputTree } from './output-tree.js';
import { ECS_VERSION, isReservedTarget, placeReceipt, type Receipt } from './receipt.js';
import { SourceTree } from './source-tree.js';

export interface Plan {
  readonly specId: string;
  /** @returns canonical JSON of the event. */
  readonly write: (document: JsonObject, receipt: Receipt) => JsonText;
}

const DATA_PREFIX = 'data.';

/**
 * @param source - the spec with the shape.
 * @param refinement - a spec that extends it, whose fields come after.
 * @throws NormalizeError `INVALID_SPEC` if two targets exclude each other or a name is unknown to every shape.
 */
export function compilePlan(source: MappingSpec, shape: ShapeSpec, refinement?: MappingSpec): Plan {
  const spec = refinement ?? source;
  try {
    return compile(source, shape, refinement);
  } catch (error) {
    if (!(error instanceof OutputConflictError)) throw error;
    throw new NormalizeError('INVALID_SPEC', `${spec.id}.fields`, `${error.message}; rename one of the two`);
  }
}

function compile(source: MappingSpec, shape: ShapeSpec, refinement: MappingSpec | undefined): Plan {
  const spec = refinement ?? source;
  const sources = new SourceTree();
  const output = new OutputTree();
  const fillReceipt = placeReceipt(output);
  const writeFields = [source, ...(refinement === undefined ? [] : [refinement])].map((part) => {
    checkNames(part, source);
    return compileFields(part, {
      ...createNameScope(sources, shape, part),
      outputSlotOf: (path) => output.slotFor(path),
    });
  });
  for (const path of shape.data?.at ?? []) sources.markData(path, path === '' ? (shape.data?.except ?? []) : []);
  for (const path of shape.ignore ?? []) sources.slotFor(path);
  const constants = createConstants(output, source, spec);
  const dataCell = source.data === undefined ? -1 : output.slotFor(source.data);
  const restCell = output.slotFor(source.rest as string);
  if (shape.keep === 'ecs') keepEcsFields(sources, output);
  const template: JsonText[] = new Array<JsonText>(output.slots).fill('');
  for (const [cell, text] of constants) template[cell] = text;

  return {
    specId: spec.id,
    write: (document, receipt) => {
      const cells = template.slice();
      const harvest = sources.gather(document);
      fillReceipt(receipt, cells);
      for (const [cell, text] of harvest.kept) cells[cell] = text;
      for (const write of writeFields) write(harvest.values, cells);
      if (dataCell >= 0) cells[dataCell] = harvest.data;
      cells[restCell] = harvest.rest;
      return output.write(cells);
    },
  };
}

/** ECS fields that the spec sets itself are places like the others; only what cannot stand beside them is left out. */
function keepEcsFields(sources: SourceTree, output: OutputTree): void {
  const candidates = [...ECS_FIELDS].filter(([path]) => !isReservedTarget(path) && output.hasRoomFor(path));
  for (const [path, field] of candidates) {
    sources.markKept(path, {
      convert: (value) => convertToEcs(value, field),
      cell: () => output.slotFor(path),
    });
  }
}

/** Resolves names to slots of the source tree, creating those it is asked for. */
export function createNameScope(
  sources: SourceTree,
  shape: ShapeSpec,
  spec: MappingSpec,
): Pick<FieldScope, 'slotsOf' | 'absent'> {
  const names = new Map(Object.entries(shape.names ?? {}));
  const pathsOf = (name: string): readonly string[] => {
    if (!name.startsWith(DATA_PREFIX)) return names.get(name) ?? [];
    const key = name.slice(DATA_PREFIX.length);
    const { at = [], except = [] } = shape.data ?? {};
    return at
      .filter((path) => path !== '' || !except.includes(key))
      .map((path) => (path === '' ? key : `${path}.${key}`));
  };
  return {
    slotsOf: (name) => pathsOf(name).map((path) => sources.slotFor(path)),
    absent: new Set((spec.absent ?? []).map(quote)),
  };
}

function compileFields(spec: MappingSpec, scope: FieldScope): FieldWriter {
  const writers = compileEach(spec.fields ?? [], scope);
  const cases = (spec.cases ?? []).map(({ when, fields }) => ({
    holds: compileConditions(when, scope),
    writers: compileEach(fields, scope),
  }));
  return (values, cells) => {
    for (const write of writers) write(values, cells);
    for (const { holds, writers: caseWriters } of cases) {
      if (!holds(values)) continue;
      for (const write of caseWriters) write(values, cells);
    }
  };
}

function compileEach(fields: readonly FieldSpec[], scope: FieldScope): FieldWriter[] {
  return fields.map((field) => compileField(field, scope)).filter((writer) => writer !== undefined);
}

function createConstants(output: OutputTree, source: MappingSpec, spec: MappingSpec): [cell: number, text: JsonText][] {
  return [
    [output.slotFor('ecs.version'), quote(ECS_VERSION)],
    [output.slotFor('aurora.spec.id'), quote(spec.id)],
    [output.slotFor('aurora.spec.sha256'), quote(hashSpec(source, spec))],
  ];
}

/** SHA-256 of the spec's canonical JSON; a refinement's covers its source's, so a change there shows here. */
export function hashSpec(source: MappingSpec, spec: MappingSpec): string {
  const sourceSha256 = hash('sha256', textOf(source), 'hex');
  return source === spec ? sourceSha256 : hash('sha256', `${textOf(spec)}\n${sourceSha256}`, 'hex');
}

/** A spec has a plan per shape, but one text. */
const texts = new WeakMap<MappingSpec, JsonText>();

function textOf(spec: MappingSpec): JsonText {
  const text = texts.get(spec) ?? canonicalText(spec);
  texts.set(spec, text);
  return text;
}

/** A misspelt name would silently never have a value. */
function checkNames(spec: MappingSpec, source: MappingSpec): void {
  const known = new Set((source.shapes ?? []).flatMap((shape) => Object.keys(shape.names ?? {})));
  const fields = [...(spec.fields ?? []), ...(spec.cases ?? []).flatMap((item) => item.fields)];
  const conditions = [...(spec.match ?? []), ...(spec.cases ?? []).flatMap((item) => item.when)];
  for (const name of [...fields.flatMap((field) => field.from ?? []), ...conditions.flatMap((item) => item.of)]) {
    if (known.has(name) || name.startsWith(DATA_PREFIX)) continue;
    const remedy = `reads "${name}", which is neither a name of "${source.id}" nor data.<name>`;
    throw new NormalizeError('INVALID_SPEC', `${spec.id}.fields`, remedy);
  }
}
