/** One value of a rule as a comparison, according to its modifiers. */
import { RE2JS } from 're2js';
import { BoundedRegex } from '../pattern/bounded-regex.js';
import { parseCidr } from '../pattern/cidr.js';
import { encodeBase64AtOffsets, encodeText } from '../pattern/encode-base64.js';
import {
  literalPattern,
  loosenDashes,
  markedLengthOf,
  openPattern,
  type Pattern,
  parsePattern,
  plainText,
} from '../pattern/pattern.js';
import { LIMITS } from '../rule/limits.js';
import type { ScalarNode } from '../rule/located-node.js';
import { refuse, type SourcePosition } from '../rule/rule-error.js';
import { anyOf, type DetectionNode } from './detection-node.js';
import { expandPlaceholders } from './expand-placeholders.js';
import type { Modifiers } from './modifiers.js';
import type { RuleScope } from './rule-scope.js';

export interface ValueContext {
  /** Sigma field name; null for keywords. */
  readonly field: string | null;
  readonly modifiers: Modifiers;
  readonly scope: RuleScope;
  /** Path of the key, for messages. */
  readonly path: string;
}

/** @throws Refusal when the value does not fit its modifiers. */
export function readValue(node: ScalarNode, context: ValueContext): DetectionNode {
  const { field, modifiers, path } = context;
  if (modifiers.type === 'text') return readText(node, context);
  if (modifiers.type === 'regex') return { type: 'regex', field, regex: readRegex(node, context) };
  if (field === null)
    refuse(node, 'INVALID_MODIFIER', path, 'Keywords search the whole event; this modifier needs a field.');
  switch (modifiers.type) {
    case 'cidr':
      return { type: 'cidr', field, network: readNetwork(node, path) };
    case 'exists':
      if (typeof node.value !== 'boolean') refuse(node, 'INVALID_FIELD', path, '"exists" needs true or false.');
      return { type: 'exists', field, expected: node.value };
    case 'fieldref':
      if (typeof node.value !== 'string' || node.value === '')
        refuse(node, 'INVALID_FIELD', path, '"fieldref" needs the name of another field.');
      return { type: 'fieldref', field, other: node.value, relation: modifiers.relation, cased: modifiers.cased };
    case 'number':
      return { type: 'number', field, operator: modifiers.operator, value: readFiniteNumber(node, path) };
    case 'time': {
      const value = readFiniteNumber(node, path);
      if (modifiers.timePart === null) refuse(node, 'INVALID_MODIFIER', path, 'The time part is missing.');
      return { type: 'time', field, part: modifiers.timePart, operator: modifiers.operator, value };
    }
  }
}

function readText(node: ScalarNode, context: ValueContext): DetectionNode {
  const { field, modifiers, path } = context;
  if (node.value === null) return readNull(node, context);
  const text = String(node.value);
  const cased = modifiers.cased || modifiers.base64 !== null;
  const patterns = modifiers.expand
    ? expandPlaceholders(text, context.scope.placeholders, node, path).map(parsePattern)
    : [parsePattern(text)];
  return anyOf(
    patterns
      .flatMap((pattern) => (modifiers.base64 === null ? [pattern] : encodePattern(pattern, node, context)))
      .map((pattern) => (modifiers.windash ? loosenDashes(pattern) : pattern))
      .map((pattern) => {
        context.scope.bookPattern(pattern.length, node, path);
        const placed = placePattern(pattern, modifiers, field);
        if (markedLengthOf(placed) > LIMITS.wildcardPart)
          refuse(
            node,
            'TOO_COMPLEX',
            path,
            `More than ${LIMITS.wildcardPart} characters stand beside a ? or a dash of "windash"; put a * between them.`,
          );
        return { type: 'text', field, cased, pattern: placed };
      }),
  );
}

function readNull(node: ScalarNode, { field, modifiers, path }: ValueContext): DetectionNode {
  if (field === null) refuse(node, 'INVALID_FIELD', path, 'A keyword needs text.');
  const isPlain =
    modifiers.relation === 'equals' && !modifiers.windash && !modifiers.expand && modifiers.base64 === null;
  if (!isPlain || modifiers.cased) refuse(node, 'INVALID_MODIFIER', path, 'null takes no modifier that needs text.');
  return { type: 'null', field };
}

/** A keyword is looked for inside the values of the event, so it is open at both ends. */
function placePattern(pattern: Pattern, { relation }: Modifiers, field: string | null): Pattern {
  const isKeyword = field === null && relation === 'equals';
  return openPattern(
    pattern,
    isKeyword || relation === 'contains' || relation === 'endswith',
    isKeyword || relation === 'contains' || relation === 'startswith',
  );
}

/**
 * Base64 of the value, compared with case: Base64 in another case is other data. The result may contain no wildcard,
 * and none is read from it.
 */
function encodePattern(pattern: Pattern, node: ScalarNode, { modifiers, path }: ValueContext): Pattern[] {
  const text = plainText(pattern);
  if (text === null)
    refuse(
      node,
      'INVALID_MODIFIER',
      path,
      'A value with wildcards has no Base64 form; escape * and ? if they are meant.',
    );
  const bytes = encodeText(text, modifiers.encoding);
  const encoded = modifiers.base64 === 'base64offset' ? encodeBase64AtOffsets(bytes) : [bytes.toString('base64')];
  if (encoded.includes(''))
    refuse(node, 'INVALID_MODIFIER', path, 'The value is too short: at one offset nothing of it shows in Base64.');
  return encoded.map(literalPattern);
}

function readRegex(node: ScalarNode, { modifiers, scope, path }: ValueContext): BoundedRegex {
  const flags = modifiers.regexFlags;
  if (typeof node.value !== 'string') refuse(node, 'INVALID_FIELD', path, '"re" needs a text; put it in quotes.');
  if (node.value.length > LIMITS.regexLength)
    refuse(node, 'TOO_COMPLEX', path, `The regular expression is longer than ${LIMITS.regexLength} characters.`);
  const options =
    (flags.includes('i') ? RE2JS.CASE_INSENSITIVE : 0) |
    (flags.includes('m') ? RE2JS.MULTILINE : 0) |
    (flags.includes('s') ? RE2JS.DOTALL : 0);
  scope.bookRegexText(node.value, node, path);
  const regex = compileRegex(node.value, options, node, path);
  scope.bookRegex(regex.size, node, path);
  return regex;
}

function compileRegex(source: string, options: number, position: SourcePosition, path: string): BoundedRegex {
  try {
    return BoundedRegex.compile(source, options);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return refuse(
      position,
      'INVALID_REGEX',
      path,
      `Not a regular expression of RE2 (no look-around, no back-references): ${reason}.`,
      error,
    );
  }
}

function readNetwork(node: ScalarNode, path: string) {
  const network = typeof node.value === 'string' ? parseCidr(node.value) : null;
  if (network === null)
    refuse(node, 'INVALID_CIDR', path, `"${node.value}" is no IPv4 or IPv6 network. Write 10.0.0.0/8 or fe80::/10.`);
  return network;
}

function readFiniteNumber(node: ScalarNode, path: string): number {
  const value = typeof node.value === 'bigint' ? Number(node.value) : node.value;
  if (typeof value !== 'number' || !Number.isFinite(value))
    refuse(node, 'INVALID_FIELD', path, 'A number without quotes is needed.');
  return value;
}
