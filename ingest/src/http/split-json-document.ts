/**
 * Splits an `application/json` body into events: a document is one event, a top-level array is one event per element.
 *
 * Works on brackets, strings and commas only and never decodes: each event keeps the bytes that arrived, without the white
 * space around it. Whether an event is valid JSON is for the normaliser to say. A body whose brackets do not match is one
 * event as a whole, so that nothing of it is lost.
 */
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const LF = 0x0a;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);
const ARRAY_START = 0x5b;
const WHITE_SPACE = new Set([0x20, 0x09, 0x0a, 0x0d]);

/**
 * True when the body's first line is a document of its own, which makes the body lines (NDJSON) although it is called
 * `application/json`, as several shippers do. A pretty-printed document ends no bracket on its first line.
 */
export function isLineSeparated(body: Buffer): boolean {
  const document = trim(body);
  const end = document.indexOf(LF);
  return end >= 0 && depthAtEnd(document.subarray(0, end)) === 0;
}

/** The events of a body that is one document, as views into it; empty for white space alone. */
export function splitJsonDocument(body: Buffer): Buffer[] {
  const document = trim(body);
  if (document.byteLength === 0) return [];
  if (document[0] !== ARRAY_START) return [document];
  return splitElements(document) ?? [document];
}

/** The elements of an array; undefined when it does not end where the document ends, or an element is missing. */
function splitElements(array: Buffer): Buffer[] | undefined {
  const elements: Buffer[] = [];
  let start = 1;
  let depth = 0;
  for (let at = 0; at < array.byteLength; at++) {
    const byte = array[at] ?? 0;
    if (byte === QUOTE) at = endOfString(array, at);
    else if (OPENING.has(byte)) depth++;
    else if (CLOSING.has(byte)) depth--;
    const isEnd = depth === 0;
    if (isEnd || (depth === 1 && byte === COMMA)) {
      const element = trim(array.subarray(start, at));
      if (element.byteLength === 0 && !(isEnd && elements.length === 0)) return undefined;
      if (element.byteLength > 0) elements.push(element);
      start = at + 1;
    }
    if (isEnd) return at === array.byteLength - 1 ? elements : undefined;
  }
  return undefined;
}

function depthAtEnd(bytes: Buffer): number {
  let depth = 0;
  for (let at = 0; at < bytes.byteLength; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) at = endOfString(bytes, at);
    else if (OPENING.has(byte)) depth++;
    else if (CLOSING.has(byte)) depth--;
  }
  return depth;
}

/** Index of the closing quote; the length when there is none. */
function endOfString(bytes: Buffer, start: number): number {
  for (let at = start + 1; at < bytes.byteLength; at++) {
    if (bytes[at] === BACKSLASH) at++;
    else if (bytes[at] === QUOTE) return at;
  }
  return bytes.byteLength;
}

function trim(bytes: Buffer): Buffer {
  let start = 0;
  let end = bytes.byteLength;
  while (start < end && WHITE_SPACE.has(bytes[start] ?? 0)) start++;
  while (end > start && WHITE_SPACE.has(bytes[end - 1] ?? 0)) end--;
  return bytes.subarray(start, end);
}
