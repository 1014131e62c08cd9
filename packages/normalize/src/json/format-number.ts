import type { JsonText } from './json-value.js';

/** Every integer of this many digits or fewer is exact as a double. */
const ALWAYS_SAFE_LENGTH = 15;

/**
 * Canonical form of an integer literal: itself within ±(2^53−1), else a string of its digits, because a reader that
 * keeps numbers as doubles would change it silently.
 *
 * @param literal - JSON number without fraction and exponent.
 */
export function formatInteger(literal: string): JsonText {
  if (literal === '-0') return '0';
  if (literal.length <= ALWAYS_SAFE_LENGTH || Number.isSafeInteger(Number(literal))) return literal;
  return `"${literal}"`;
}

/**
 * Canonical form of a literal with fraction or exponent: the shortest ECMAScript form (RFC 8785, 3.2.2.3). A literal
 * beyond the range of a double is kept as a string. So is one whose ECMAScript form is an integer beyond ±(2^53−1),
 * for otherwise reading the output again would give another text.
 */
export function formatFloat(literal: string): JsonText {
  const value = Number(literal);
  if (!Number.isFinite(value)) return `"${literal}"`;
  const text = String(value);
  return Number.isInteger(value) && !text.includes('e') ? formatInteger(text) : text;
}
