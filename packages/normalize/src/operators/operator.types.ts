import type { JsonText, JsonValue } from '../json/json-value.js';

/** An argument of an operator, as it stands in the spec file. */
export type OperatorArgument =
  | string
  | number
  | boolean
  | null
  | OperatorArgument[]
  | { [key: string]: OperatorArgument };

/**
 * What an operator works on. `json` is any value; `text` a decoded string (numbers and booleans give their literal);
 * `list` decoded strings. A value that cannot be brought into the form an operator reads counts as missing.
 */
export type Operator =
  | { readonly reads: 'json'; readonly gives: 'json'; readonly apply: (value: JsonValue) => JsonValue | undefined }
  | { readonly reads: 'text'; readonly gives: 'text'; readonly apply: (text: string) => string | undefined }
  | { readonly reads: 'text'; readonly gives: 'json'; readonly apply: (text: string) => JsonText | undefined }
  | { readonly reads: 'text'; readonly gives: 'list'; readonly apply: (text: string) => readonly string[] }
  | { readonly reads: 'list'; readonly gives: 'text'; readonly apply: (items: readonly string[]) => string | undefined }
  | { readonly reads: 'list'; readonly gives: 'list'; readonly apply: (items: readonly string[]) => readonly string[] };

/** Thrown by an operator's factory about its arguments; the spec's compiler adds where it was. */
export class OperatorArgumentError extends Error {
  override readonly name = 'OperatorArgumentError';
}

export function expectCount(args: readonly OperatorArgument[], least: number, most = least): void {
  if (args.length >= least && args.length <= most) return;
  const range = least === most ? `${least}` : `${least} to ${most}`;
  throw new OperatorArgumentError(`takes ${range} argument(s), not ${args.length}`);
}

/** @throws OperatorArgumentError unless the argument is a string with at least one character. */
export function expectText(args: readonly OperatorArgument[], index: number, fallback?: string): string {
  const value = args[index] ?? fallback;
  if (typeof value === 'string' && value !== '') return value;
  throw new OperatorArgumentError(`argument ${index + 1} must be a string that is not empty`);
}

export function expectInteger(args: readonly OperatorArgument[], index: number, fallback?: number): number {
  const value = args[index] ?? fallback;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw new OperatorArgumentError(`argument ${index + 1} must be an integer within ±(2^53−1)`);
}
