import { canonicalText } from '../json/canonical-text.js';
import { decodeScalar, type JsonText, type JsonValue } from '../json/json-value.js';
import { distinct } from '../operators/lists.js';
import { lowerAscii } from '../operators/text.js';
import type { FieldSpec, NameCondition } from '../spec/mapping-spec.types.js';
import { compileToJson, compileToTexts, quoteAll } from './compile-operators.js';
import { memoize } from './memoize.js';

type Values = readonly (JsonValue | undefined)[];

/** Writes one field's canonical text into its cell, or leaves the cell as it is. */
export type FieldWriter = (values: Values, cells: JsonText[]) => void;

export interface FieldScope {
  /** Source slots of a name, best first; none if this shape does not have the name. */
  readonly slotsOf: (name: string) => readonly number[];
  readonly outputSlotOf: (path: string) => number;
  /** Canonical tokens that stand for "no value". */
  readonly absent: ReadonlySet<JsonText>;
}

/** @returns nothing if no source of the field exists in this shape and it has no default. */
export function compileField(field: FieldSpec, scope: FieldScope): FieldWriter | undefined {
  const sources = toNames(field.from).flatMap(scope.slotsOf);
  const fallback = field.default === undefined ? undefined : canonicalText(field.default);
  if (sources.length === 0 && fallback === undefined) return undefined;
  const cell = scope.outputSlotOf(field.to);
  const isUsable = createUsableCheck(scope.absent);
  const read = field.collect ? collect(field, sources, isUsable) : readFirst(field, sources, isUsable);
  return (values, cells) => {
    const text = read(values) ?? fallback;
    if (text !== undefined) cells[cell] = text;
  };
}

/** @returns a check that holds if every condition does; a name with several paths is met by the first usable one. */
export function compileConditions(
  conditions: readonly NameCondition[],
  scope: Pick<FieldScope, 'slotsOf' | 'absent'>,
): (values: Values) => boolean {
  const isUsable = createUsableCheck(scope.absent);
  const checks = conditions.map((condition) => {
    const listed = new Set(condition.in);
    const names = condition.of.map(scope.slotsOf);
    const isListedValue = memoize((value) => {
      const text = decodeScalar(value);
      return text !== undefined && listed.has(lowerAscii(text));
    });
    const isListed = (values: Values, slots: readonly number[]): boolean => {
      const slot = slots.find((candidate) => isUsable(values[candidate]));
      return slot !== undefined && isListedValue(values[slot] as JsonValue);
    };
    return (values: Values): boolean => names.some((slots) => isListed(values, slots)) !== (condition.not ?? false);
  });
  return (values) => checks.every((check) => check(values));
}

function toNames(from: FieldSpec['from']): readonly string[] {
  if (from === undefined) return [];
  return typeof from === 'string' ? [from] : from;
}

type UsableCheck = (value: JsonValue | undefined) => value is JsonValue;

function createUsableCheck(absent: ReadonlySet<JsonText>): UsableCheck {
  const longest = Math.max(0, ...[...absent].map((token) => token.length));
  return (value): value is JsonValue => {
    if (value === undefined || value === 'null') return false;
    return typeof value !== 'string' || value.length > longest || !absent.has(value);
  };
}

/** Copies are cheaper than any memory, and times do not repeat. */
function isWorthKeeping({ op = [] }: FieldSpec): boolean {
  return op.some(([name]) => name !== 'copy' && name !== 'string') && !op.some(([name]) => name === 'timestamp');
}

function readFirst(field: FieldSpec, sources: readonly number[], isUsable: UsableCheck) {
  const convert = isWorthKeeping(field) ? memoize(compileToJson(field.op ?? [])) : compileToJson(field.op ?? []);
  return (values: Values): JsonText | undefined => {
    for (const source of sources) {
      const value = values[source];
      if (!isUsable(value)) continue;
      const text = convert(value);
      if (text !== undefined) return text;
    }
    return undefined;
  };
}

function collect(field: FieldSpec, sources: readonly number[], isUsable: UsableCheck) {
  const convert = compileToTexts(field.op ?? []);
  return (values: Values): JsonText | undefined => {
    const texts: string[] = [];
    for (const source of sources) {
      const value = values[source];
      if (isUsable(value)) texts.push(...convert(value));
    }
    return texts.length === 0 ? undefined : quoteAll(distinct(texts));
  };
}
