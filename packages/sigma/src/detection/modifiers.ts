/**
 * The modifiers behind a field name, read as one description. Everything that is not understood is refused: a modifier
 * passed over would turn the rule into another one, and inside a negated filter into false alarms.
 *
 * @see https://github.com/SigmaHQ/sigma-specification, "Sigma Modifiers" 2.1.0
 */
import type { TextEncoding } from '../pattern/encode-base64.js';
import { TIME_PARTS, type TimePart } from '../pattern/time-part.js';
import { refuse, type SourcePosition } from '../rule/rule-error.js';
import type { NumericOperator, TextRelation } from './detection-node.js';

export interface Modifiers {
  /** What the value is: text unless a modifier says otherwise. */
  readonly type: 'text' | 'regex' | 'cidr' | 'exists' | 'fieldref' | 'number' | 'time';
  readonly relation: TextRelation;
  /** All values of the list must match, not any. */
  readonly all: boolean;
  readonly cased: boolean;
  /** The comparison as a whole is turned round. */
  readonly negated: boolean;
  readonly windash: boolean;
  readonly expand: boolean;
  readonly base64: 'base64' | 'base64offset' | null;
  readonly encoding: TextEncoding;
  /** Subset of `ims`. */
  readonly regexFlags: string;
  readonly operator: NumericOperator;
  readonly timePart: TimePart | null;
}

type Draft = { -readonly [Key in keyof Modifiers]: Modifiers[Key] };

const ENCODINGS: ReadonlyMap<string, TextEncoding> = new Map([
  ['wide', 'utf16le'],
  ['utf16le', 'utf16le'],
  ['utf16be', 'utf16be'],
  ['utf16', 'utf16'],
]);
const REGEX_FLAGS: ReadonlyMap<string, string> = new Map([
  ['i', 'i'],
  ['ignorecase', 'i'],
  ['m', 'm'],
  ['multiline', 'm'],
  ['s', 's'],
  ['dotall', 's'],
]);
const RELATIONS: readonly string[] = ['contains', 'startswith', 'endswith'] satisfies TextRelation[];
const OPERATORS: readonly string[] = ['lt', 'lte', 'gt', 'gte'] satisfies NumericOperator[];

/** Modifiers that settle how the value is read; at most one of them, save a time part with an operator. */
const TYPES: ReadonlyMap<string, Modifiers['type']> = new Map([
  ['re', 'regex'],
  ['cidr', 'cidr'],
  ['exists', 'exists'],
  ['fieldref', 'fieldref'],
  ...OPERATORS.map((name) => [name, 'number'] as const),
  ...TIME_PARTS.map((name) => [name, 'time'] as const),
]);

/**
 * @param names - the parts behind the field name, for example `['contains', 'all']`.
 * @param path - the key's path, for messages.
 * @throws Refusal UNKNOWN_MODIFIER or INVALID_MODIFIER.
 */
export function readModifiers(names: readonly string[], position: SourcePosition, path: string): Modifiers {
  const draft: Draft = {
    type: 'text',
    relation: 'equals',
    all: false,
    cased: false,
    negated: false,
    windash: false,
    expand: false,
    base64: null,
    encoding: 'utf8',
    regexFlags: '',
    operator: 'eq',
    timePart: null,
  };
  const fail = (message: string): never => refuse(position, 'INVALID_MODIFIER', path, message);
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) !== index) fail(`The modifier "${name}" stands twice.`);
    if (!applyModifier(draft, name, fail))
      refuse(position, 'UNKNOWN_MODIFIER', path, `There is no modifier "${name}". Supported: ${supportedModifiers()}.`);
  }
  checkCombination(draft, fail);
  return draft;
}

function supportedModifiers(): string {
  const others = ['all', 'cased', 'neq', 'windash', 'expand', 'base64', 'base64offset'];
  return [...RELATIONS, ...TYPES.keys(), ...REGEX_FLAGS.keys(), ...ENCODINGS.keys(), ...others].join(', ');
}

type Fail = (message: string) => never;

/** Enters one modifier; false when its name is unknown. */
function applyModifier(draft: Draft, name: string, fail: Fail): boolean {
  const type = TYPES.get(name);
  if (type !== undefined) applyType(draft, name, type, fail);
  else if (RELATIONS.includes(name)) {
    if (draft.relation !== 'equals') fail(`"${draft.relation}" and "${name}" exclude each other.`);
    draft.relation = name as TextRelation;
  } else if (ENCODINGS.has(name)) {
    if (draft.encoding !== 'utf8') fail('A value has only one encoding.');
    if (draft.base64 !== null)
      fail(`"${name}" must stand before "${draft.base64}": modifiers apply in the order written.`);
    draft.encoding = ENCODINGS.get(name) ?? 'utf8';
  } else if (REGEX_FLAGS.has(name)) {
    if (draft.type !== 'regex') fail(`"${name}" is a flag of "re" and must stand behind it.`);
    draft.regexFlags += REGEX_FLAGS.get(name);
  } else if (name === 'base64' || name === 'base64offset') {
    if (draft.base64 !== null) fail('A value is Base64 encoded only once.');
    draft.base64 = name;
  } else if (name === 'all') draft.all = true;
  else if (name === 'cased') draft.cased = true;
  else if (name === 'neq') draft.negated = true;
  else if (name === 'windash') draft.windash = true;
  else if (name === 'expand') draft.expand = true;
  else return false;
  return true;
}

function applyType(draft: Draft, name: string, type: Modifiers['type'], fail: Fail): void {
  const joinsTimeAndOperator =
    (draft.type === 'time' && type === 'number') || (draft.type === 'number' && type === 'time');
  if (draft.type !== 'text' && !joinsTimeAndOperator) fail(`"${name}" does not fit the modifier before it.`);
  if (joinsTimeAndOperator && draft.operator !== 'eq' && draft.timePart !== null) fail('A time part has one operator.');
  draft.type = joinsTimeAndOperator ? 'time' : type;
  if (type === 'number') draft.operator = name as NumericOperator;
  if (type === 'time') draft.timePart = name as TimePart;
}

function checkCombination(draft: Draft, fail: Fail): void {
  if (draft.encoding !== 'utf8' && draft.base64 === null)
    fail('UTF-16 encodings are supported only in front of "base64" or "base64offset": events hold text, not bytes.');
  if (draft.type === 'text') {
    if (draft.base64 !== null && draft.windash) fail('"windash" and Base64 cannot be joined.');
    return;
  }
  const isFieldReference = draft.type === 'fieldref';
  if (draft.relation !== 'equals' && !isFieldReference)
    fail(
      `"${draft.relation}" does not fit a value that is not text; a regular expression is searched anywhere as it is.`,
    );
  if (draft.cased && !isFieldReference)
    fail('"cased" fits text only; a regular expression is case-sensitive without it.');
  if (draft.windash || draft.expand || draft.base64 !== null) fail('"windash", "expand" and Base64 fit text only.');
}
