/**
 * The search language: `field:value` terms, all of which must hold. Fields are dotted ECS names; a value with blanks or
 * special characters stands in double quotes, where `\"` and `\\` are the two escapes. Case does not matter in values.
 */
import { badUserInput } from '@aurorasoc/kit/errors';
import { UNSEARCHED } from './terms.js';

export interface FieldTerm {
  readonly field: string;
  readonly value: string;
}

const MAX_QUERY = 4_096;
const MAX_TERMS = 32;
const NO_OPERATORS = '; all terms must hold: there is no OR, no NOT and no search of the text without a field';
const FIELD = /[\w@.-]+/y;
const BARE_VALUE = /[^\s"():]+/y;

/** @throws AuroraError `BAD_USER_INPUT` on field `query` saying at which character the query stops making sense, or which field cannot be searched. */
export function parseQuery(query: string): FieldTerm[] {
  if (query.length > MAX_QUERY) throw badUserInput('query', `A query has at most ${MAX_QUERY} characters`);
  const terms: FieldTerm[] = [];
  let at = skipBlanks(query, 0);
  while (at < query.length) {
    const field = matchAt(FIELD, query, at);
    if (field === undefined || query[at + field.length] !== ':')
      throw unreadable(query, at, 'a term like host.name:"WS-01"', NO_OPERATORS);
    const instead = UNSEARCHED.get(field);
    if (instead !== undefined) throw badUserInput('query', `${field} cannot be searched; use ${instead}`);
    const value = readValue(query, at + field.length + 1);
    terms.push({ field, value: value.text });
    if (terms.length > MAX_TERMS) throw badUserInput('query', `A query has at most ${MAX_TERMS} terms`);
    at = skipBlanks(query, value.end);
    if (at === value.end && at < query.length) throw unreadable(query, at, 'a blank between terms');
    at = skipConjunction(query, at);
  }
  return terms;
}

function readValue(query: string, at: number): { text: string; end: number } {
  if (query[at] !== '"') {
    const text = matchAt(BARE_VALUE, query, at);
    if (text === undefined) throw unreadable(query, at, 'a value');
    if (text.includes('*')) throw badUserInput('query', `Wildcards are not supported; at character ${at + 1}`);
    return { text, end: at + text.length };
  }
  let text = '';
  for (let from = at + 1; from < query.length; from++) {
    const character = query[from];
    if (character === '"') return { text, end: from + 1 };
    if (character === '\\') {
      const escaped = query[++from];
      if (escaped !== '"' && escaped !== '\\') throw unreadable(query, from, '\\" or \\\\');
      text += escaped;
    } else text += character;
  }
  throw unreadable(query, query.length, 'the closing quote');
}

/** `AND` between terms may be written; it is what a blank means. */
function skipConjunction(query: string, at: number): number {
  if (!/^and\s/i.test(query.slice(at, at + 4))) return at;
  return skipBlanks(query, at + 3);
}

function skipBlanks(query: string, at: number): number {
  let to = at;
  while (/\s/.test(query[to] ?? '')) to++;
  return to;
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

function unreadable(query: string, at: number, expected: string, advice = ''): Error {
  const rest = query.slice(at, at + 20);
  const found = rest === '' ? 'the query ends' : `stands ${JSON.stringify(rest)}`;
  return badUserInput('query', `At character ${at + 1} ${found} where ${expected} is expected${advice}`);
}
