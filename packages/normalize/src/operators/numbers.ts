import type { JsonText } from '../json/json-value.js';

const DECIMAL = /^-?[0-9]{1,16}$/;
const HEXADECIMAL = /^0[xX][0-9a-fA-F]{1,16}$/;

/**
 * Reads `42`, `-7` or `0x1a4`.
 *
 * @returns the integer if it is within `least` and `most`; both must be within ±(2^53−1).
 */
export function integer(text: string, least: number, most: number): JsonText | undefined {
  if (!DECIMAL.test(text) && !HEXADECIMAL.test(text)) return undefined;
  // Adding 0 turns the -0 of "-0" into 0.
  const value = Number(text) + 0;
  return value >= least && value <= most ? String(value) : undefined;
}

const BOOLEANS: ReadonlyMap<string, JsonText> = new Map([
  ['true', 'true'],
  ['1', 'true'],
  ['yes', 'true'],
  ['false', 'false'],
  ['0', 'false'],
  ['no', 'false'],
]);

/** Reads `true`, `yes`, `1` and their opposites, in any case. */
export function boolean(text: string): JsonText | undefined {
  return BOOLEANS.get(text.toLowerCase());
}
