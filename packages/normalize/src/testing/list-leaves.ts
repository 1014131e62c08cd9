export interface Leaf {
  /** Dotted. */
  readonly path: string;
  readonly value: unknown;
}

/** Lists the values of an event with their paths; lists, empty objects and what `isLeaf` names count as values. */
export function listLeaves(value: unknown, isLeaf: (path: string) => boolean, path = ''): Leaf[] {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject || Object.keys(value).length === 0 || isLeaf(path)) return [{ path, value }];
  return Object.entries(value).flatMap(([key, inner]) =>
    listLeaves(inner, isLeaf, path === '' ? key : `${path}.${key}`),
  );
}

/** Whether a field is one of ours, beside ECS. */
export function isCustomField(path: string): boolean {
  return path.startsWith('winlog.') || path.startsWith('aurora.');
}
