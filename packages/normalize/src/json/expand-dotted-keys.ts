import { JsonObject, type JsonValue } from './json-value.js';
import { ObjectTree } from './object-tree.js';
import { MAX_DEPTH } from './parse-json.js';

/**
 * Reads `{"winlog.event_id": 1}` as `{"winlog": {"event_id": 1}}`, at every level outside arrays.
 *
 * A dotted key keeps its form where expanding would overwrite a value, leave an empty key or nest deeper than a
 * document may. Members written as nested objects come first, dotted keys after them in input order.
 *
 * @param opaquePaths - objects whose own keys are names from elsewhere and are never split.
 * @returns the document itself if it has no dotted key.
 */
export function expandDottedKeys(document: JsonObject, opaquePaths: readonly string[]): JsonObject {
  if (!hasDottedKey(document, '', opaquePaths)) return document;
  const tree = new ObjectTree();
  const dotted: Member[] = [];
  for (const member of listMembers(document, [], opaquePaths)) {
    if (member.isDotted) dotted.push(member);
    else tree.insert(member.path, member.value);
  }
  for (const { path, value } of dotted) {
    const keys = splitPath(path, opaquePaths);
    if (keys === undefined || !tree.insert(keys, value)) tree.insert(path, value);
  }
  return tree.toJsonObject();
}

interface Member {
  /** Keys as they were written. */
  readonly path: readonly string[];
  readonly value: JsonValue;
  readonly isDotted: boolean;
}

function hasDottedKey(object: JsonObject, path: string, opaquePaths: readonly string[]): boolean {
  if (opaquePaths.includes(path)) return false;
  if (object.shape.hasDottedKey) return true;
  return object.values.some(
    (value, member) =>
      value instanceof JsonObject &&
      hasDottedKey(value, joinPath(path, object.shape.keys[member] as string), opaquePaths),
  );
}

/** Lists leaves; an empty object counts as one, and so does each member of an opaque object. */
function listMembers(object: JsonObject, path: readonly string[], opaquePaths: readonly string[]): Member[] {
  const isOpaque = opaquePaths.includes(path.join('.'));
  return object.values.flatMap((value, index): Member[] => {
    const key = object.shape.keys[index] as string;
    const memberPath = [...path, key];
    if (!isOpaque && value instanceof JsonObject && value.values.length > 0) {
      return listMembers(value, memberPath, opaquePaths);
    }
    return [{ path: memberPath, value, isDotted: (isOpaque ? path : memberPath).some((part) => part.includes('.')) }];
  });
}

/** @returns nothing if the path cannot be split. */
function splitPath(path: readonly string[], opaquePaths: readonly string[]): readonly string[] | undefined {
  const whole = path.join('.');
  const opaque = opaquePaths.find((candidate) => candidate !== '' && whole.startsWith(`${candidate}.`));
  const keys = opaque === undefined ? whole.split('.') : [...opaque.split('.'), whole.slice(opaque.length + 1)];
  return keys.length <= MAX_DEPTH && !keys.includes('') ? keys : undefined;
}

function joinPath(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
