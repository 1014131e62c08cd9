import { Kind, type SelectionSetNode } from 'graphql';

/**
 * Whether an answer has the fields that were selected, objects and lists of them where fields of fields were. What a fragment
 * selects depends on types, which are not known here, and what a leaf is, too.
 *
 * A gateway's answer always fits, by its schema; whatever else answers at a wrong address may send any JSON.
 */
export function fitsSelection(value: unknown, { selections }: SelectionSetNode): boolean {
  if (value === null) return true;
  if (Array.isArray(value)) return value.every((item) => fitsSelection(item, { kind: Kind.SELECTION_SET, selections }));
  if (typeof value !== 'object') return false;
  return selections.every((selection) => {
    if (selection.kind !== Kind.FIELD) return true;
    const { name, alias, selectionSet, directives = [] } = selection;
    const key = (alias ?? name).value;
    if (!Object.hasOwn(value, key)) return directives.length > 0; // left out by @include or @skip
    return selectionSet === undefined || fitsSelection((value as Record<string, unknown>)[key], selectionSet);
  });
}
