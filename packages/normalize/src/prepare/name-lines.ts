/** Rendered messages such as Sysmon's name every parameter on a line of its own; here they become an object again. */
import { decodeString, JsonArray, JsonObject, type JsonText, type JsonValue, quote } from '../json/json-value.js';
import type { ShapePool } from '../json/shape-pool.js';

/**
 * Reads `Title:`, then lines `Name: value`. Names are ASCII letters and digits. A value goes on over lines that do not
 * begin with a name.
 *
 * A value may hold line ends, and so may forge lines. `properties`, the event's values in order but without names,
 * decide where each value ends, if they fit the message from the first to the last. Without them a name that repeats
 * gets the list of its values, so that a forged line cannot hide a real one.
 *
 * @returns nothing if there is no such line.
 */
export function nameLines(
  message: string,
  properties: readonly JsonValue[] | undefined,
  pool: ShapePool,
): JsonObject | undefined {
  const start = skipTitle(message);
  const pairs = (properties && readWithProperties(message, start, properties)) ?? readLines(message, start);
  if (pairs.length === 0) return undefined;
  const values = new Map<JsonText, JsonText[]>();
  for (const [name, value] of pairs) {
    const token = quote(name);
    const known = values.get(token);
    if (known === undefined) values.set(token, [quote(value)]);
    else known.push(quote(value));
  }
  const joined = [...values.values()].map((texts) =>
    texts.length === 1 ? (texts[0] as JsonText) : new JsonArray(texts),
  );
  return new JsonObject(pool.shapeOf([...values.keys()]), joined);
}

type Pair = readonly [name: string, value: string];

/** @returns nothing unless each property has its line and nothing is left over. */
function readWithProperties(message: string, start: number, properties: readonly JsonValue[]): Pair[] | undefined {
  const pairs: Pair[] = [];
  let position = start;
  for (const property of properties) {
    const end = nameEnd(message, position);
    if (end < 0) return undefined;
    const valueStart = message.startsWith(': ', end) ? end + 2 : end + 1;
    const valueEnd = endOfProperty(message, valueStart, property);
    pairs.push([message.slice(position, end), message.slice(valueStart, valueEnd)]);
    position = skipLineEnd(message, valueEnd);
  }
  return message.slice(position).trim() === '' ? pairs : undefined;
}

/** A text stands in the message as it is, line ends included; other types are rendered on one line. */
function endOfProperty(message: string, start: number, property: JsonValue): number {
  if (typeof property === 'string' && property.charCodeAt(0) === 0x22) {
    const text = decodeString(property);
    const end = start + text.length;
    if (message.startsWith(text, start) && (end === message.length || isLineEnd(message, end))) return end;
  }
  return endOfLine(message, start);
}

function readLines(message: string, start: number): Pair[] {
  const pairs: [name: string, value: string][] = [];
  let position = start;
  while (position < message.length) {
    const lineEnd = endOfLine(message, position);
    const end = nameEnd(message, position);
    const last = pairs.at(-1);
    if (end >= 0) {
      const valueStart = Math.min(message.startsWith(': ', end) ? end + 2 : end + 1, lineEnd);
      pairs.push([message.slice(position, end), message.slice(valueStart, lineEnd)]);
    } else if (last !== undefined && position < lineEnd) {
      last[1] += `\n${message.slice(position, lineEnd)}`;
    }
    position = skipLineEnd(message, lineEnd);
  }
  return pairs;
}

/** @returns the position of the colon after a name at `start`; -1 if there is no name. */
function nameEnd(message: string, start: number): number {
  let position = start;
  while (isLetterOrDigit(message.charCodeAt(position))) position++;
  return position > start && message.charCodeAt(position) === 0x3a ? position : -1;
}

function skipTitle(message: string): number {
  const end = endOfLine(message, 0);
  return message.charCodeAt(end - 1) === 0x3a ? skipLineEnd(message, end) : 0;
}

function endOfLine(message: string, start: number): number {
  let position = start;
  while (position < message.length && !isLineEnd(message, position)) position++;
  return position;
}

function isLineEnd(message: string, position: number): boolean {
  const code = message.charCodeAt(position);
  return code === 0x0a || code === 0x0d;
}

function skipLineEnd(message: string, position: number): number {
  const next = message.charCodeAt(position) === 0x0d ? position + 1 : position;
  return message.charCodeAt(next) === 0x0a ? next + 1 : next;
}

function isLetterOrDigit(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
}
