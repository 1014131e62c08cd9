/** The closed set of operators a mapping spec can use. Every one is total: no input makes it throw. */
import { hash } from 'node:crypto';
import { canonicalText } from '../json/canonical-text.js';
import { decodeScalar, type JsonText, type JsonValue, quote } from '../json/json-value.js';
import { ipAddress, macAddress } from './addresses.js';
import { distinct, split } from './lists.js';
import { boolean, integer } from './numbers.js';
import {
  expectCount,
  expectInteger,
  expectText,
  type Operator,
  type OperatorArgument,
  OperatorArgumentError,
} from './operator.types.js';
import * as text from './text.js';
import { timestamp } from './timestamp.js';

type Arguments = readonly OperatorArgument[];
type OperatorFactory = (args: Arguments) => Operator;

const FACTORIES: ReadonlyMap<string, OperatorFactory> = new Map<string, OperatorFactory>([
  ['copy', plain({ reads: 'json', gives: 'json', apply: (value) => value })],
  ['string', plain({ reads: 'json', gives: 'json', apply: asString })],
  ['lower', plain({ reads: 'text', gives: 'text', apply: text.lowerAscii })],
  ['upper', plain({ reads: 'text', gives: 'text', apply: text.upperAscii })],
  ['trim', createTrim],
  ['before', onText(1, (value, separator) => text.before(value, separator))],
  ['after', onText(1, (value, separator) => text.after(value, separator))],
  ['between', onText(2, (value, opening, closing) => text.between(value, opening, closing))],
  ['pair', createPair],
  ['basename', onPath(text.basename)],
  ['dirname', onPath(text.dirname)],
  ['extension', plain({ reads: 'text', gives: 'text', apply: text.extension })],
  ['truncate', createTruncate],
  ['hex', createHex],
  ['hash', plain({ reads: 'text', gives: 'text', apply: (value) => hash('sha256', value, 'hex') })],
  ['int', createInt],
  ['bool', plain({ reads: 'text', gives: 'json', apply: boolean })],
  ['map', createMap],
  ['ip', plain({ reads: 'text', gives: 'text', apply: ipAddress })],
  ['mac', plain({ reads: 'text', gives: 'text', apply: macAddress })],
  ['timestamp', plain({ reads: 'text', gives: 'text', apply: timestamp })],
  ['split', createSplit],
  ['join', createJoin],
  ['list', plain({ reads: 'list', gives: 'list', apply: distinct })],
]);

export const OPERATOR_NAMES: readonly string[] = [...FACTORIES.keys()];

/**
 * @throws OperatorArgumentError if there is no such operator or its arguments are wrong.
 */
export function createOperator(name: string, args: Arguments): Operator {
  const factory = FACTORIES.get(name);
  if (factory === undefined) throw new OperatorArgumentError(`is not one of ${OPERATOR_NAMES.join(', ')}`);
  return factory(args);
}

/** A string keeps its token; a number or boolean becomes the string of its literal. */
function asString(value: JsonValue): JsonText | undefined {
  if (typeof value === 'string' && value.charCodeAt(0) === 0x22) return value;
  const literal = decodeScalar(value);
  return literal === undefined ? undefined : quote(literal);
}

function plain(operator: Operator): OperatorFactory {
  return (args) => {
    expectCount(args, 0);
    return operator;
  };
}

function onText(
  count: 1 | 2,
  apply: (value: string, first: string, second: string) => string | undefined,
): OperatorFactory {
  return (args) => {
    expectCount(args, count);
    const first = expectText(args, 0);
    const second = count === 2 ? expectText(args, 1) : '';
    return { reads: 'text', gives: 'text', apply: (value) => apply(value, first, second) };
  };
}

/** @param apply - takes the text and the characters that separate path segments, `\` and `/` unless given. */
function onPath(apply: (value: string, separators: string) => string | undefined): OperatorFactory {
  return (args) => {
    expectCount(args, 0, 1);
    const separators = expectText(args, 0, '\\/');
    return { reads: 'text', gives: 'text', apply: (value) => apply(value, separators) };
  };
}

function createTrim(args: Arguments): Operator {
  expectCount(args, 0, 1);
  const characters = args.length === 0 ? undefined : expectText(args, 0);
  return { reads: 'text', gives: 'text', apply: (value) => text.trim(value, characters) };
}

function createPair(args: Arguments): Operator {
  expectCount(args, 1, 3);
  const [key, separator, assignment] = [expectText(args, 0), expectText(args, 1, ','), expectText(args, 2, '=')];
  return { reads: 'text', gives: 'text', apply: (value) => text.pair(value, key, separator, assignment) };
}

function createTruncate(args: Arguments): Operator {
  expectCount(args, 1);
  const length = expectInteger(args, 0);
  if (length < 1) throw new OperatorArgumentError('argument 1 must be at least 1');
  return { reads: 'text', gives: 'text', apply: (value) => text.truncate(value, length) };
}

function createHex(args: Arguments): Operator {
  expectCount(args, 1);
  const digits = expectInteger(args, 0);
  return { reads: 'text', gives: 'text', apply: (value) => text.hexadecimal(value, digits) };
}

function createInt(args: Arguments): Operator {
  expectCount(args, 0, 2);
  const least = expectInteger(args, 0, Number.MIN_SAFE_INTEGER);
  const most = expectInteger(args, 1, Number.MAX_SAFE_INTEGER);
  return { reads: 'text', gives: 'json', apply: (value) => integer(value, least, most) };
}

function createMap(args: Arguments): Operator {
  expectCount(args, 1);
  const [table] = args;
  if (typeof table !== 'object' || table === null || Array.isArray(table)) {
    throw new OperatorArgumentError('argument 1 must be an object from text to value');
  }
  const entries = new Map(Object.entries(table).map(([key, value]) => [key, canonicalText(value)]));
  return { reads: 'text', gives: 'json', apply: (value) => entries.get(value) };
}

function createSplit(args: Arguments): Operator {
  expectCount(args, 1);
  const separator = expectText(args, 0);
  return { reads: 'text', gives: 'list', apply: (value) => split(value, separator) };
}

function createJoin(args: Arguments): Operator {
  expectCount(args, 1);
  const separator = expectText(args, 0);
  return { reads: 'list', gives: 'text', apply: (items) => (items.length === 0 ? undefined : items.join(separator)) };
}
