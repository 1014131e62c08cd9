/** Typed reading of a rule's keys, each refusal with its line. */
import type { LocatedNode, MapNode, ScalarNode } from './located-node.js';
import { refuse } from './rule-error.js';

/** The text of an optional key; numbers and dates count as their text. Null when absent or empty. */
export function readOptionalText(map: MapNode, key: string): string | null {
  const node = map.entries.get(key);
  if (node === undefined || (node.kind === 'scalar' && node.value === null)) return null;
  return readScalarText(node, key);
}

export function readRequiredText(map: MapNode, key: string): string {
  const text = readOptionalText(map, key);
  if (text === null || text.trim() === '')
    refuse(map.entries.get(key) ?? map, 'MISSING_FIELD', key, `The rule has no ${key}.`);
  return text;
}

/** A list of texts; a single text counts as a list of one, as many rules have it. Empty when absent. */
export function readTextList(map: MapNode, key: string): string[] {
  const node = map.entries.get(key);
  if (node === undefined || (node.kind === 'scalar' && node.value === null)) return [];
  return (node.kind === 'list' ? node.items : [node]).map((item) => readScalarText(item, key));
}

/** One of a closed vocabulary, or null when absent. */
export function readOptionalWord<Word extends string>(map: MapNode, key: string, words: readonly Word[]): Word | null {
  const text = readOptionalText(map, key);
  if (text === null) return null;
  const word = words.find((candidate) => candidate === text.toLowerCase());
  return (
    word ??
    refuse(map.entries.get(key) ?? map, 'INVALID_FIELD', key, `"${text}" is no ${key}; use one of ${words.join(', ')}.`)
  );
}

/** A key that must hold a map. */
export function readRequiredMap(map: MapNode, key: string): MapNode {
  const node = map.entries.get(key);
  if (node === undefined) refuse(map, 'MISSING_FIELD', key, `The rule has no ${key}.`);
  if (node.kind !== 'map') refuse(node, 'INVALID_FIELD', key, `${key} must be a map of keys and values.`);
  return node;
}

export function readScalarText(node: LocatedNode, field: string): string {
  return String(readScalar(node, field).value ?? '');
}

function readScalar(node: LocatedNode, field: string): ScalarNode {
  return node.kind === 'scalar' ? node : refuse(node, 'INVALID_FIELD', field, `${field} must be text.`);
}
