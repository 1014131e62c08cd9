import { type JsonText, writeCanonical } from './json-value.js';
import { JsonParser } from './parse-json.js';

/**
 * Canonical text of a value that is JSON by its type, such as a spec or an argument in it.
 *
 * @throws UnreadableJson if it holds what canonical JSON cannot, e.g. a lone surrogate or too deep a nesting.
 */
export function canonicalText(value: unknown): JsonText {
  return writeCanonical(new JsonParser().parse(JSON.stringify(value)));
}
