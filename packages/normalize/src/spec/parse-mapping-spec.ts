/** Reads a mapping spec from data of unknown origin. Errors name the place and what belongs there. */
import { NormalizeError } from '../errors.js';
import { createOperator } from '../operators/create-operator.js';
import { OperatorArgumentError } from '../operators/operator.types.js';
import { isReservedTarget } from '../plan/receipt.js';
import { createPrepareStep } from '../prepare/create-prepare.js';
import type { PrepareStep } from '../prepare/prepare.types.js';
import type {
  CaseSpec,
  FieldSpec,
  MappingSpec,
  NameCondition,
  OperatorStep,
  PathCondition,
  ShapeSpec,
} from './mapping-spec.types.js';

const ID = /^[a-z0-9_]+(\.[a-z0-9_]+)*$/;

type Json = Record<string, unknown>;

/**
 * @throws NormalizeError `INVALID_SPEC`, its field e.g. `windows.sysmon.fields[3].op[0]`.
 */
export function parseMappingSpec(input: unknown): MappingSpec {
  const id = isObject(input) && typeof input.id === 'string' && ID.test(input.id) ? input.id : undefined;
  if (id === undefined) fail('spec', 'must be an object with an "id" of lower-case words joined by dots');
  const spec = readObject(input, id, MEMBERS.spec);
  readText(spec.version, `${id}.version`);
  readRole(spec, id);
  readList(spec.absent ?? [], `${id}.absent`, readString);
  readList(spec.fields ?? [], `${id}.fields`, readField);
  readList(spec.cases ?? [], `${id}.cases`, readCase);
  return spec as unknown as MappingSpec;
}

const MEMBERS = {
  spec: [
    'id',
    'version',
    'description',
    'extends',
    'match',
    'shapes',
    'absent',
    'fields',
    'cases',
    'data',
    'rest',
    'keep',
  ],
  shape: ['id', 'dotted', 'match', 'prepare', 'keep', 'names', 'ignore', 'data'],
  shapeData: ['at', 'except'],
  pathCondition: ['at', 'is'],
  nameCondition: ['of', 'in', 'not'],
  case: ['when', 'fields'],
  field: ['to', 'from', 'op', 'collect', 'default'],
} as const;

/** A spec is either a source (shapes, rest, data) or refines one (extends, match). */
function readRole(spec: Json, id: string): void {
  if (spec.extends === undefined) {
    readList(spec.shapes, `${id}.shapes`, readShape);
    readText(spec.rest, `${id}.rest`);
    if (spec.data !== undefined) readText(spec.data, `${id}.data`);
    if (spec.keep !== undefined && spec.keep !== 'ecs') fail(`${id}.keep`, 'can only be "ecs"');
    if (spec.match !== undefined) fail(`${id}.match`, 'belongs to specs with "extends"; use "shapes"');
    return;
  }
  readText(spec.extends, `${id}.extends`);
  readList(spec.match, `${id}.match`, (input, at) => {
    readNameCondition(input, at);
    if (input.of.some((name) => name.startsWith('data.')))
      fail(`${at}.of`, 'can read names only; use "cases" for data');
  });
  for (const member of ['shapes', 'rest', 'data', 'keep']) {
    if (spec[member] !== undefined) fail(`${id}.${member}`, 'is taken from the spec named in "extends"; remove it');
  }
}

function readShape(input: unknown, at: string): asserts input is ShapeSpec {
  const shape = readObject(input, at, MEMBERS.shape);
  readText(shape.id, `${at}.id`);
  readList(shape.match, `${at}.match`, readPathCondition);
  if (shape.dotted !== undefined && typeof shape.dotted !== 'boolean') fail(`${at}.dotted`, 'must be true or false');
  readList(shape.prepare ?? [], `${at}.prepare`, readPrepareStep);
  if (shape.keep !== undefined && shape.keep !== 'ecs') fail(`${at}.keep`, 'can only be "ecs"');
  const names = shape.names ?? {};
  if (!isObject(names)) fail(`${at}.names`, 'must be an object from name to list of paths');
  for (const [name, paths] of Object.entries(names)) {
    if (name.startsWith('data.')) fail(`${at}.names`, `"${name}" is reserved for the shape's data; rename it`);
    readList(paths, `${at}.names.${name}`, readNamePath);
  }
  readList(shape.ignore ?? [], `${at}.ignore`, readNamePath);
  if (shape.data === undefined) return;
  const data = readObject(shape.data, `${at}.data`, MEMBERS.shapeData);
  readList(data.at, `${at}.data.at`, readString);
  readList(data.except ?? [], `${at}.data.except`, readText);
}

function readPathCondition(input: unknown, at: string): asserts input is PathCondition {
  const condition = readObject(input, at, MEMBERS.pathCondition);
  readList(condition.at, `${at}.at`, readText);
  if (!['object', 'scalar', 'present'].includes(String(condition.is))) {
    fail(`${at}.is`, 'must be "object", "scalar" or "present"');
  }
}

function readNameCondition(input: unknown, at: string): asserts input is NameCondition {
  const condition = readObject(input, at, MEMBERS.nameCondition);
  readList(condition.of, `${at}.of`, readText);
  if (condition.not !== undefined && typeof condition.not !== 'boolean') fail(`${at}.not`, 'must be true or false');
  readList(condition.in, `${at}.in`, (value, place) => {
    readText(value, place);
    if (/[A-Z]/.test(value as string)) fail(place, 'must be in lower case, as values are compared in lower case');
  });
}

function readCase(input: unknown, at: string): asserts input is CaseSpec {
  const item = readObject(input, at, MEMBERS.case);
  readList(item.when, `${at}.when`, readNameCondition);
  readList(item.fields, `${at}.fields`, readField);
}

function readField(input: unknown, at: string): asserts input is FieldSpec {
  const field = readObject(input, at, MEMBERS.field);
  readText(field.to, `${at}.to`);
  if (isReservedTarget(field.to as string)) fail(`${at}.to`, 'is set by the normaliser itself; choose another field');
  if (field.from === undefined && field.default === undefined) fail(at, 'needs "from", or "default" for a constant');
  if (field.from !== undefined && typeof field.from !== 'string') readList(field.from, `${at}.from`, readText);
  if (field.collect !== undefined && typeof field.collect !== 'boolean') fail(`${at}.collect`, 'must be true or false');
  readList(field.op ?? [], `${at}.op`, readStep);
}

function readStep(input: unknown, at: string): asserts input is OperatorStep {
  readCall(input, at, 'operator', ([name, ...args]) => createOperator(name, args));
}

function readPrepareStep(input: unknown, at: string): asserts input is PrepareStep {
  readCall(input, at, 'step', createPrepareStep);
}

/** Reads a list of a name and arguments by making what it stands for. */
function readCall(input: unknown, at: string, kind: string, create: (call: PrepareStep) => unknown): void {
  if (!Array.isArray(input) || typeof input[0] !== 'string') fail(at, `must be a list [${kind}, ...arguments]`);
  try {
    create(input as unknown as PrepareStep);
  } catch (error) {
    if (error instanceof OperatorArgumentError) fail(at, `${kind} "${input[0]}" ${error.message}`);
    throw error;
  }
}

function readObject(input: unknown, at: string, members: readonly string[]): Json {
  if (!isObject(input)) fail(at, 'must be an object');
  const unknown = Object.keys(input).find((member) => !members.includes(member));
  if (unknown !== undefined) fail(`${at}.${unknown}`, `is unknown here; possible are ${members.join(', ')}`);
  return input;
}

function readList(input: unknown, at: string, readItem: (item: unknown, at: string) => void): void {
  if (!Array.isArray(input)) fail(at, 'must be a list');
  for (const [index, item] of input.entries()) readItem(item, `${at}[${index}]`);
}

function readText(input: unknown, at: string): void {
  if (typeof input !== 'string' || input === '') fail(at, 'must be a string that is not empty');
}

function readNamePath(input: unknown, at: string): void {
  readText(input, at);
  if ((input as string).split('.').includes('*')) fail(at, 'cannot have "*", which is for the paths of data only');
}

function readString(input: unknown, at: string): void {
  if (typeof input !== 'string') fail(at, 'must be a string');
}

function isObject(input: unknown): input is Json {
  return typeof input === 'object' && input !== null && !Array.isArray(input);
}

function fail(at: string, remedy: string): never {
  throw new NormalizeError('INVALID_SPEC', at, remedy);
}
