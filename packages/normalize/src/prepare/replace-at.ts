import { JsonObject, type JsonValue } from '../json/json-value.js';

/**
 * Replaces the value at a path; objects on the way keep their shape.
 *
 * @param replace - may return its argument to leave everything as it is.
 * @returns the object itself if there is no such value or nothing changes.
 */
export function replaceAt(
  object: JsonObject,
  path: readonly string[],
  replace: (value: JsonValue) => JsonValue,
  depth = 0,
): JsonObject {
  const member = object.shape.memberOf(path[depth] as string);
  if (member === undefined) return object;
  const value = object.values[member] as JsonValue;
  let next: JsonValue = value;
  if (depth === path.length - 1) next = replace(value);
  else if (value instanceof JsonObject) next = replaceAt(value, path, replace, depth + 1);
  if (next === value) return object;
  const values = object.values.slice();
  values[member] = next;
  return new JsonObject(object.shape, values);
}

/** The value at a path; nothing if there is none. */
export function valueAt(document: JsonObject, path: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = document;
  for (const key of path) {
    if (!(value instanceof JsonObject)) return undefined;
    value = value.get(key);
  }
  return value;
}
