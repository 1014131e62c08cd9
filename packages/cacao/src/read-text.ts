/** From a document's text to its JSON value, within bounds that hold before anything walks the value. */
import { MAX_BYTES, MAX_DEPTH, MAX_VALUES } from './limits.js';
import { below, type Report } from './problem.js';

/** @returns undefined, with the reason in the report, when there is no value to look at. */
export function readText(text: string, report: Report): unknown {
  // The bytes are at least as many as the UTF-16 units: a huge text is refused without being encoded.
  if (text.length > MAX_BYTES || new TextEncoder().encode(text).length > MAX_BYTES) {
    report.add('TOO_LARGE', '', `A playbook has at most ${MAX_BYTES} bytes`);
    return undefined;
  }
  const { deepest, commas } = measure(text);
  if (commas >= MAX_VALUES) {
    report.add('TOO_LARGE', '', `A playbook has at most ${MAX_VALUES} values`);
    return undefined;
  }
  if (deepest > MAX_DEPTH) {
    report.add('TOO_DEEP', '', `A playbook is nested at most ${MAX_DEPTH} deep`);
    return undefined;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The engine's own message quotes the document.
    report.add('NOT_JSON', '', 'The document is not valid JSON');
    return undefined;
  }
  reportUnstorable(value, '', report);
  return value;
}

/** How deep brackets stand within each other, and how many commas there are, outside of strings. */
function measure(text: string): { deepest: number; commas: number } {
  let commas = 0;
  let depth = 0;
  let deepest = 0;
  let isInString = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (isInString) {
      if (character === '\\') index++;
      else if (character === '"') isInString = false;
    } else if (character === '"') isInString = true;
    else if (character === '{' || character === '[') deepest = Math.max(deepest, ++depth);
    else if (character === '}' || character === ']') depth--;
    else if (character === ',') commas++;
  }
  return { deepest, commas };
}

/** NUL and half of a surrogate pair: neither databases nor canonical JSON (RFC 8785) can hold them. */
const UNSTORABLE = /\0|\p{Surrogate}/u;

function reportUnstorable(value: unknown, pointer: string, report: Report): void {
  if (typeof value === 'string') {
    if (UNSTORABLE.test(value))
      report.add('UNSTORABLE_TEXT', pointer, 'The text holds NUL or half of a surrogate pair');
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) reportUnstorable(item, below(pointer, index), report);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      // Not named: the pointer would hold what cannot be stored.
      if (UNSTORABLE.test(key)) report.add('UNSTORABLE_TEXT', pointer, 'A key holds NUL or half of a surrogate pair');
      else reportUnstorable(member, below(pointer, key), report);
    }
  }
}
