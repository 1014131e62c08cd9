import { decodeString, JsonObject, type JsonValue, quote } from '../json/json-value.js';

/**
 * Takes one layer of `\\` and `\"` off all texts of an object, if all of them have it: one text with a backslash that
 * escapes nothing shows that the source does not escape.
 */
export function unescapeValues(object: JsonObject): JsonObject {
  const values: JsonValue[] = [];
  let isChanged = false;
  for (const value of object.values) {
    if (typeof value !== 'string' || !value.includes('\\\\')) {
      values.push(value);
      continue;
    }
    const text = unescapeText(decodeString(value));
    if (text === undefined) return object;
    values.push(quote(text));
    isChanged = true;
  }
  return isChanged ? new JsonObject(object.shape, values) : object;
}

/** @returns nothing if a backslash stands before anything but a backslash or a quotation mark. */
function unescapeText(text: string): string | undefined {
  let result = '';
  let start = 0;
  for (let index = text.indexOf('\\'); index >= 0; index = text.indexOf('\\', index + 2)) {
    const escaped = text.charCodeAt(index + 1);
    if (escaped !== 0x5c && escaped !== 0x22) return undefined;
    result += text.slice(start, index);
    start = index + 1;
  }
  return result + text.slice(start);
}
