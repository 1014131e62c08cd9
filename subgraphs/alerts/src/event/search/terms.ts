/**
 * The terms of a document: a 32-bit hash per (field, value), by which any field can be searched without an index of its own.
 * A hit is compared with the document afterwards, so a collision costs time and is never seen.
 */

/** A JSON document as it was parsed; keys are dotted ECS names once flattened. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

export interface Leaf {
  readonly field: string;
  /** Numbers and booleans in their JSON text. */
  readonly value: string;
}

/** Fields that no term is made of, since each event has a long value of its own there; and what to search by instead. */
export const UNSEARCHED: ReadonlyMap<string, string> = new Map([
  ['event.original', 'the fields that were read from the line, such as host.name or process.command_line'],
  ['event.hash', 'event.id'],
]);

/** All scalars of a document, arrays element by element. Null is absence. */
export function leavesOf(document: JsonValue, prefix = ''): Leaf[] {
  const leaves: Leaf[] = [];
  collectLeaves(document, prefix, leaves);
  return leaves;
}

function collectLeaves(value: JsonValue, field: string, leaves: Leaf[]): void {
  if (value === null) return;
  if (Array.isArray(value)) {
    for (const element of value) collectLeaves(element, field, leaves);
  } else if (typeof value === 'object') {
    for (const [key, inner] of Object.entries(value))
      collectLeaves(inner, field === '' ? key : `${field}.${key}`, leaves);
  } else {
    leaves.push({ field, value: String(value) });
  }
}

/** Values are compared without regard to case, as people search. */
export function foldValue(value: string): string {
  return value.toLowerCase();
}

/** FNV-1a over UTF-16 units, as a signed 32-bit integer, which is what a PostgreSQL `integer` holds. */
export function termHash(field: string, value: string): number {
  let hash = 0x811c9dc5;
  const text = `${field}\0${foldValue(value)}`;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash | 0;
}

/** Sorted and distinct. */
export function termsOf(document: JsonValue): number[] {
  const terms = new Set<number>();
  for (const { field, value } of leavesOf(document)) if (!UNSEARCHED.has(field)) terms.add(termHash(field, value));
  return [...terms].sort((a, b) => a - b);
}
