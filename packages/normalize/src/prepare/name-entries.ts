/** XML elements like `<Data Name="Image">…</Data>` reach JSON as a list of named values; here it becomes an object. */
import { JsonArray, JsonObject, type JsonText, type JsonValue, quote } from '../json/json-value.js';
import type { ShapePool } from '../json/shape-pool.js';
import { valueAt } from './replace-at.js';

export interface EntryLayout {
  /** Paths in an entry at which its name may stand, the first text counts. */
  readonly names: readonly (readonly string[])[];
  /** The same for its value. */
  readonly values: readonly (readonly string[])[];
}

const EMPTY_TEXT = '""';

/**
 * Moves the named entries of `parent[member]`, a list or a single entry, up into `parent` as members of their own.
 * A name that repeats gets the list of its values; what has no name stays under `member`. An entry without a value is
 * the empty text, as an empty XML element is.
 *
 * @returns `parent` itself if no entry has a name.
 */
export function nameEntries(parent: JsonObject, member: string, layout: EntryLayout, pool: ShapePool): JsonObject {
  const list = parent.get(member);
  if (list === undefined || typeof list === 'string') return parent;
  const entries = list instanceof JsonArray ? list.items : [list];
  const valuesByName = new Map<JsonText, JsonValue[]>();
  const unnamed: JsonValue[] = [];
  const add = (name: JsonText, value: JsonValue): void => {
    const known = valuesByName.get(name);
    if (known === undefined) valuesByName.set(name, [value]);
    else known.push(value);
  };
  for (const entry of entries) {
    const name = entry instanceof JsonObject ? readName(entry, layout.names) : undefined;
    if (name === undefined) unnamed.push(entry instanceof JsonObject ? (readValue(entry, layout) ?? entry) : entry);
    else add(name, readValue(entry as JsonObject, layout) ?? EMPTY_TEXT);
  }
  if (valuesByName.size === 0) return parent;
  const memberToken = quote(member);
  for (const [index, token] of parent.shape.keyTokens.entries()) {
    if (token !== memberToken) add(token, parent.values[index] as JsonValue);
  }
  for (const value of unnamed) add(memberToken, value);
  const values = [...valuesByName.values()].map(joinValues);
  return new JsonObject(pool.shapeOf([...valuesByName.keys()]), values);
}

/** @returns the name's token; nothing unless it is a text that is not empty. */
function readName(entry: JsonObject, paths: EntryLayout['names']): JsonText | undefined {
  for (const path of paths) {
    const value = valueAt(entry, path);
    if (typeof value === 'string' && value.charCodeAt(0) === 0x22 && value !== EMPTY_TEXT) return value;
  }
  return undefined;
}

function readValue(entry: JsonObject, { values }: EntryLayout): JsonValue | undefined {
  for (const path of values) {
    const value = valueAt(entry, path);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** An empty element beside one with a value says nothing. */
function joinValues(values: readonly JsonValue[]): JsonValue {
  if (values.length === 1) return values[0] as JsonValue;
  const telling = values.filter((value) => value !== EMPTY_TEXT && value !== 'null');
  return telling.length === 1 ? (telling[0] as JsonValue) : new JsonArray(values);
}
