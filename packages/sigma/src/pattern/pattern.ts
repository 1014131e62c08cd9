/**
 * Sigma string values as token lists.
 *
 * @see https://github.com/SigmaHQ/sigma-specification, "String Wildcard" and "Escaping"
 */
import { foldCase } from './fold-case.js';

export type PatternToken =
  | { readonly type: 'literal'; readonly text: string }
  /** `*`: any characters, also none. */
  | { readonly type: 'run' }
  /** `?`: exactly one character (a surrogate pair is one). */
  | { readonly type: 'character' }
  /** Any of the characters that Windows programs take for the dash of a flag. */
  | { readonly type: 'dash' };

/** Literals are never empty nor adjacent, runs never adjacent. */
export type Pattern = readonly PatternToken[];

const RUN: PatternToken = { type: 'run' };
const CHARACTER: PatternToken = { type: 'character' };
const DASH: PatternToken = { type: 'dash' };

/** Hyphen, slash, en dash, em dash, horizontal bar: the set of the `windash` modifier. */
export const DASHES = '-/\u2013\u2014\u2015';

/**
 * Reads wildcards and escapes. A backslash escapes only `*`, `?` and itself; before anything else it is a plain
 * backslash, so `C:\Windows` needs no doubling, and `\\*` is a backslash before a wildcard.
 */
export function parsePattern(text: string): Pattern {
  const tokens: PatternToken[] = [];
  let literal = '';
  const flush = () => {
    if (literal !== '') tokens.push({ type: 'literal', text: literal });
    literal = '';
  };
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index);
    const next = text.charAt(index + 1);
    if (character === '\\' && (next === '*' || next === '?' || next === '\\')) {
      literal += next;
      index++;
    } else if (character === '*' || character === '?') {
      flush();
      tokens.push(character === '*' ? RUN : CHARACTER);
    } else literal += character;
  }
  flush();
  return mergeTokens(tokens);
}

/** The text as it is, no character read as a wildcard. */
export function literalPattern(text: string): Pattern {
  return text === '' ? [] : [{ type: 'literal', text }];
}

/** The pattern's text when it has no wildcard, else null. */
export function plainText(pattern: Pattern): string | null {
  if (pattern.length === 0) return '';
  const [only] = pattern;
  return pattern.length === 1 && only?.type === 'literal' ? only.text : null;
}

/** Opens the pattern at one or both ends, as the modifiers contains, startswith and endswith do. */
export function openPattern(pattern: Pattern, atStart: boolean, atEnd: boolean): Pattern {
  return mergeTokens([...(atStart ? [RUN] : []), ...pattern, ...(atEnd ? [RUN] : [])]);
}

/**
 * Makes every flag dash of the pattern stand for all of them: a dash character with a word character behind it and none
 * before it. So `-param-name` also finds `/param-name`, but not `-param/name`.
 */
export function loosenDashes(pattern: Pattern): Pattern {
  return pattern.flatMap((token) => (token.type === 'literal' ? loosenLiteral(token.text) : [token]));
}

function loosenLiteral(text: string): PatternToken[] {
  const tokens: PatternToken[] = [];
  let start = 0;
  for (let index = 0; index < text.length; index++) {
    if (!DASHES.includes(text.charAt(index))) continue;
    if (isWordCharacter(text.charAt(index - 1)) || !isWordCharacter(text.charAt(index + 1))) continue;
    if (index > start) tokens.push({ type: 'literal', text: text.slice(start, index) });
    tokens.push(DASH);
    start = index + 1;
  }
  if (start < text.length) tokens.push({ type: 'literal', text: text.slice(start) });
  return tokens;
}

/** UTF-16 units of the longest stretch between two runs that has a `?` or a dash, which no search finds in linear time; or 0. */
export function markedLengthOf(pattern: Pattern): number {
  let longest = 0;
  let length = 0;
  let isMarked = false;
  let hasRunBefore = false;
  for (const token of pattern) {
    if (token.type === 'run') {
      if (isMarked && hasRunBefore) longest = Math.max(longest, length);
      length = 0;
      isMarked = false;
      hasRunBefore = true;
    } else if (token.type === 'literal') length += token.text.length;
    else {
      length++;
      isMarked = true;
    }
  }
  return longest;
}

function isWordCharacter(character: string): boolean {
  return /[\p{L}\p{N}_]/u.test(character);
}

/** The pattern for comparison with case-folded text. */
export function foldPattern(pattern: Pattern): Pattern {
  return pattern.map((token) => (token.type === 'literal' ? { type: 'literal', text: foldCase(token.text) } : token));
}

function mergeTokens(tokens: readonly PatternToken[]): Pattern {
  const merged: PatternToken[] = [];
  for (const token of tokens) {
    const last = merged.at(-1);
    if (token.type === 'run' && last?.type === 'run') continue;
    if (token.type === 'literal' && last?.type === 'literal')
      merged[merged.length - 1] = { type: 'literal', text: last.text + token.text };
    else merged.push(token);
  }
  return merged;
}
