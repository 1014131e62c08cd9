/**
 * Patterns as functions over text. Plain shapes become one string operation; the rest a two-pointer matcher whose cost
 * is at most the text's length times that of what stands between two stars, where that has a mark (`LIMITS.wildcardPart` bounds
 * it), and the text's length where it has none: no backtracking over earlier stars is ever needed,
 * because the leftmost place of a part leaves the most room for the parts behind it.
 */
import { findText } from './find-text.js';
import { DASHES, type Pattern } from './pattern.js';

export type TextTest = (text: string) => boolean;

/** A pattern without inner wildcards as the string operation that decides it. */
export interface PlainShape {
  readonly operation: 'equals' | 'startswith' | 'endswith' | 'contains';
  readonly text: string;
}

/** The plain shape of the pattern, or null when it needs the two-pointer matcher. */
export function plainShapeOf(pattern: Pattern): PlainShape | null {
  const opensAtStart = pattern[0]?.type === 'run';
  const opensAtEnd = pattern.length > 1 && pattern.at(-1)?.type === 'run';
  const inner = pattern.slice(opensAtStart ? 1 : 0, opensAtEnd ? -1 : undefined);
  const [token] = inner;
  if (inner.length > 1 || (token !== undefined && token.type !== 'literal')) return null;
  const text = token?.text ?? '';
  if (text === '') return { operation: opensAtStart ? 'contains' : 'equals', text };
  if (opensAtStart) return { operation: opensAtEnd ? 'contains' : 'endswith', text };
  return { operation: opensAtEnd ? 'startswith' : 'equals', text };
}

/** Tests whole texts against the pattern; folding case is the caller's matter. */
export function compilePattern(pattern: Pattern): TextTest {
  const shape = plainShapeOf(pattern);
  return shape === null ? compileWildcards(pattern) : compileShape(shape);
}

function compileShape({ operation, text }: PlainShape): TextTest {
  switch (operation) {
    case 'equals':
      return (value) => value === text;
    case 'startswith':
      return (value) => value.startsWith(text);
    case 'endswith':
      return (value) => value.endsWith(text);
    case 'contains':
      return (value) => findText(value, text) >= 0;
  }
}

const ANY_CHARACTER = -1;
const ANY_DASH = -2;
const DASH_UNITS = new Set(Array.from(DASHES, (dash) => dash.charCodeAt(0)));

/** What stands between two stars: code units, or one of the two negative marks. */
interface Part {
  readonly codes: readonly number[];
  /** The same as text when it has no mark: then `indexOf` finds it. */
  readonly text: string | null;
}

function compileWildcards(pattern: Pattern): TextTest {
  const parts = splitAtRuns(pattern);
  const first = parts[0];
  const last = parts.at(-1);
  if (first === undefined || last === undefined) return (text) => text === '';
  if (parts.length === 1) return (text) => matchForward(first, text, 0) === text.length;
  const middle = parts.slice(1, -1);
  return (text) => {
    let position = matchForward(first, text, 0);
    if (position < 0) return false;
    for (const part of middle) {
      position = findPart(part, text, position);
      if (position < 0) return false;
    }
    return matchBackward(last, text, text.length) >= position;
  };
}

function splitAtRuns(pattern: Pattern): Part[] {
  const parts: number[][] = [[]];
  for (const token of pattern) {
    const codes = parts.at(-1) ?? [];
    if (token.type === 'run') parts.push([]);
    else if (token.type === 'character') codes.push(ANY_CHARACTER);
    else if (token.type === 'dash') codes.push(ANY_DASH);
    else for (let index = 0; index < token.text.length; index++) codes.push(token.text.charCodeAt(index));
  }
  return parts.map((codes) => ({
    codes,
    text: codes.every((code) => code >= 0) ? codes.map((code) => String.fromCharCode(code)).join('') : null,
  }));
}

/** End of the leftmost place of the part at or after `from`, or -1. */
function findPart(part: Part, text: string, from: number): number {
  if (part.text !== null) {
    const found = findText(text, part.text, from);
    return found < 0 ? -1 : found + part.text.length;
  }
  for (let start = from; start <= text.length; start++) {
    const end = matchForward(part, text, start);
    if (end >= 0) return end;
  }
  return -1;
}

/** Where the part ends if it stands exactly at `start`, or -1. */
function matchForward(part: Part, text: string, start: number): number {
  let position = start;
  for (const code of part.codes) {
    if (position >= text.length) return -1;
    const unit = text.charCodeAt(position);
    if (code === ANY_CHARACTER) {
      if (isHighSurrogate(unit) && isLowSurrogate(text.charCodeAt(position + 1))) position++;
    } else if (!matchesUnit(code, unit)) return -1;
    position++;
  }
  return position;
}

/** Where the part starts if it ends exactly at `end`, or -1. */
function matchBackward(part: Part, text: string, end: number): number {
  let position = end;
  for (let index = part.codes.length - 1; index >= 0; index--) {
    if (position <= 0) return -1;
    const code = part.codes[index] ?? 0;
    const unit = text.charCodeAt(--position);
    if (code === ANY_CHARACTER) {
      if (isLowSurrogate(unit) && isHighSurrogate(text.charCodeAt(position - 1))) position--;
    } else if (!matchesUnit(code, unit)) return -1;
  }
  return position;
}

function matchesUnit(code: number, unit: number): boolean {
  return code === ANY_DASH ? DASH_UNITS.has(unit) : code === unit;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
