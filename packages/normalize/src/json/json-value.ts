import type { ObjectShape } from './object-shape.js';

/**
 * One JSON value as canonical text (RFC 8785), e.g. `"a\\b"`, `42`, `true`, `["x"]`. Text that is already canonical in
 * the input is a slice of it and is never decoded.
 */
export type JsonText = string;

/** A parsed value: scalars stay canonical text, so only objects and arrays cost an allocation of their own. */
export type JsonValue = JsonText | JsonObject | JsonArray;

export class JsonObject {
  /** @param values - one per member, in input order, as the shape's keys are. */
  constructor(
    readonly shape: ObjectShape,
    readonly values: readonly JsonValue[],
  ) {}

  get(key: string): JsonValue | undefined {
    const member = this.shape.memberOf(key);
    return member === undefined ? undefined : this.values[member];
  }
}

export class JsonArray {
  constructor(readonly items: readonly JsonValue[]) {}
}

/** Decodes a scalar: a string gives its content, a number or boolean its literal; null, objects and arrays nothing. */
export function decodeScalar(value: JsonValue): string | undefined {
  if (typeof value !== 'string') return undefined;
  switch (value.charCodeAt(0)) {
    case 0x22: // "
      return decodeString(value);
    case 0x6e: // null
    case 0x5b: // [
    case 0x7b: // {
      return undefined;
    default:
      return value;
  }
}

/** Decodes a JSON string token, quotes included. The token must be valid. */
export function decodeString(token: JsonText): string {
  return token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1);
}

/** ECMAScript's own quoting is what RFC 8785 prescribes, as long as there is no lone surrogate. */
export function quote(text: string): JsonText {
  return JSON.stringify(text);
}

/** Writes a value in canonical form: keys sorted by UTF-16 code units at every level, no white space. */
export function writeCanonical(value: JsonValue): JsonText {
  if (typeof value === 'string') return value;
  if (value instanceof JsonArray) return `[${value.items.map(writeCanonical).join(',')}]`;
  return writeMembers(value, value.shape.sortedMembers);
}

/** Writes some members of an object, in the order given. */
export function writeMembers(object: JsonObject, members: readonly number[]): JsonText {
  const { keyTokens } = object.shape;
  let text = '{';
  for (const member of members) {
    if (text.length > 1) text += ',';
    const value = object.values[member] as JsonValue;
    text += `${keyTokens[member]}:${typeof value === 'string' ? value : writeCanonical(value)}`;
  }
  return `${text}}`;
}
