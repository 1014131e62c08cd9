/** The closed set of steps that bring a shipper's layout into one that paths can name. Every one is total. */
import {
  decodeScalar,
  decodeString,
  JsonArray,
  JsonObject,
  type JsonText,
  type JsonValue,
  quote,
} from '../json/json-value.js';
import { ObjectShape } from '../json/object-shape.js';
import { JsonParser } from '../json/parse-json.js';
import { ShapePool } from '../json/shape-pool.js';
import { UnreadableJson } from '../json/unreadable-json.js';
import { expectCount, expectText, type OperatorArgument, OperatorArgumentError } from '../operators/operator.types.js';
import { lowerAscii, upperAscii } from '../operators/text.js';
import { type EntryLayout, nameEntries } from './name-entries.js';
import { nameLines } from './name-lines.js';
import type { Prepare, PrepareStep } from './prepare.types.js';
import { replaceAt, valueAt } from './replace-at.js';
import { unescapeValues } from './unescape-values.js';

type Arguments = readonly OperatorArgument[];

const FACTORIES: ReadonlyMap<string, (args: Arguments) => Prepare> = new Map([
  ['parse', createParse],
  ['entries', createEntries],
  ['lines', createLines],
  ['capitalize', createCapitalize],
  ['unescape', createUnescape],
  ['hexadecimal', createHexadecimal],
]);

const STEP_NAMES: readonly string[] = [...FACTORIES.keys()];

/** @throws OperatorArgumentError if there is no such step or its arguments are wrong. */
export function createPrepareStep([name, ...args]: PrepareStep): Prepare {
  const factory = FACTORIES.get(name);
  if (factory === undefined) throw new OperatorArgumentError(`is not one of ${STEP_NAMES.join(', ')}`);
  return factory(args);
}

export function compilePrepare(steps: readonly PrepareStep[]): Prepare | undefined {
  if (steps.length === 0) return undefined;
  const prepares = steps.map(createPrepareStep);
  return (document) => prepares.reduce((prepared, prepare) => prepare(prepared), document);
}

/** `path`: a text that is a JSON object becomes that object. */
function createParse(args: Arguments): Prepare {
  expectCount(args, 1);
  const path = expectPath(args, 0);
  const parser = new JsonParser();
  const parse = (value: JsonValue): JsonValue => {
    if (typeof value !== 'string' || value.charCodeAt(0) !== 0x22) return value;
    try {
      const parsed = parser.parse(decodeString(value));
      return parsed instanceof JsonObject ? parsed : value;
    } catch (error) {
      if (error instanceof UnreadableJson) return value;
      throw error;
    }
  };
  return (document) => replaceAt(document, path, parse);
}

/** `path`, `names`, `values`: the named entries of a list become members of the object that holds the list. */
function createEntries(args: Arguments): Prepare {
  expectCount(args, 3);
  const path = expectPath(args, 0);
  const layout: EntryLayout = { names: expectPaths(args, 1), values: expectPaths(args, 2) };
  const parent = path.slice(0, -1);
  const member = path.at(-1) as string;
  const pool = new ShapePool();
  const name = (value: JsonValue): JsonValue =>
    value instanceof JsonObject ? nameEntries(value, member, layout, pool) : value;
  if (parent.length === 0) return (document) => nameEntries(document, member, layout, pool);
  return (document) => replaceAt(document, parent, name);
}

/**
 * `from`, `to`, `properties`, `at`, `in`: a message of lines `Name: value` becomes an object in the new member `to`, if
 * the value at `at`, ASCII letters in lower case, is listed. `properties` is a list of objects with a `Value`.
 */
function createLines(args: Arguments): Prepare {
  expectCount(args, 5);
  const [from, to, properties, at] = [
    expectPath(args, 0),
    expectText(args, 1),
    expectPath(args, 2),
    expectPath(args, 3),
  ];
  const listed = new Set(expectTexts(args, 4));
  const [pool, memberPool] = [new ShapePool(), new ShapePool()];
  return (document) => {
    const condition = valueAt(document, at);
    const kind = condition === undefined ? undefined : decodeScalar(condition);
    if (kind === undefined || !listed.has(lowerAscii(kind)) || document.get(to) !== undefined) return document;
    const value = valueAt(document, from);
    const message = value === undefined ? undefined : decodeScalar(value);
    const object = message === undefined ? undefined : nameLines(message, readProperties(document, properties), pool);
    if (object === undefined) return document;
    const shape = memberPool.shapeOf([...document.shape.keyTokens, quote(to)]);
    return new JsonObject(shape, [...document.values, object]);
  };
}

/** @returns nothing unless every property has a value. */
function readProperties(document: JsonObject, path: readonly string[]): readonly JsonValue[] | undefined {
  const list = valueAt(document, path);
  if (!(list instanceof JsonArray)) return undefined;
  const values = list.items.map((item) => (item instanceof JsonObject ? item.get('Value') : undefined));
  return values.includes(undefined) ? undefined : (values as JsonValue[]);
}

/** `path`, `[except]`: the first letter of every key of the object there becomes upper case. */
function createCapitalize(args: Arguments): Prepare {
  expectCount(args, 1, 2);
  const path = expectPath(args, 0);
  const except = new Set(args.length > 1 ? expectTexts(args, 1) : []);
  const shapes = new WeakMap<ObjectShape, ObjectShape>();
  const capitalizeKey = (key: string): string => (except.has(key) ? key : upperAscii(key.slice(0, 1)) + key.slice(1));
  const shapeFor = (shape: ObjectShape): ObjectShape => {
    const known = shapes.get(shape);
    if (known !== undefined) return known;
    const tokens = shape.keys.map((key) => quote(capitalizeKey(key)));
    // Two keys that would become one stay as they are.
    const result = new Set(tokens).size === tokens.length ? new ObjectShape(tokens) : shape;
    shapes.set(shape, result);
    return result;
  };
  return (document) =>
    replaceAt(document, path, (value) =>
      value instanceof JsonObject ? new JsonObject(shapeFor(value.shape), value.values) : value,
    );
}

/** `path`: all texts of the object there lose one layer of backslashes. */
function createUnescape(args: Arguments): Prepare {
  expectCount(args, 1);
  const path = expectPath(args, 0);
  return (document) =>
    replaceAt(document, path, (value) => (value instanceof JsonObject ? unescapeValues(value) : value));
}

const DECIMAL = /^[0-9]{1,16}$/;

/** `path`, `keys`: integers under these keys of the object there become texts such as `0x1410`. */
function createHexadecimal(args: Arguments): Prepare {
  expectCount(args, 2);
  const path = expectPath(args, 0);
  const keys = expectTexts(args, 1);
  const format = (value: JsonText): JsonText => `"0x${Number(value).toString(16)}"`;
  const convert = (value: JsonValue): JsonValue => {
    if (!(value instanceof JsonObject)) return value;
    let values: JsonValue[] | undefined;
    for (const key of keys) {
      const member = value.shape.memberOf(key);
      const token = member === undefined ? undefined : value.values[member];
      if (member === undefined || typeof token !== 'string' || !DECIMAL.test(token)) continue;
      values ??= value.values.slice();
      values[member] = format(token);
    }
    return values === undefined ? value : new JsonObject(value.shape, values);
  };
  return (document) => replaceAt(document, path, convert);
}

function expectPath(args: Arguments, index: number): readonly string[] {
  return expectText(args, index).split('.');
}

function expectPaths(args: Arguments, index: number): readonly (readonly string[])[] {
  return expectTexts(args, index).map((path) => path.split('.'));
}

function expectTexts(args: Arguments, index: number): readonly string[] {
  const list = args[index];
  if (Array.isArray(list) && list.every((item) => typeof item === 'string' && item !== '')) return list as string[];
  throw new OperatorArgumentError(`argument ${index + 1} must be a list of strings that are not empty`);
}
