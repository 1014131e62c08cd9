import { createRequire } from 'node:module';

/** The type families of ECS that matter for what a value must look like. */
export type EcsType = 'text' | 'date' | 'ip' | 'integer' | 'number' | 'boolean' | 'object';

export interface EcsField {
  readonly type: EcsType;
  /** Whether ECS wants a list even for one value. */
  readonly isList: boolean;
}

const TYPES: readonly EcsType[] = ['text', 'date', 'ip', 'integer', 'number', 'boolean', 'object'];

/** Names and types of the ECS fields this package knows, by dotted name. See NOTICE for their origin. */
export const ECS_FIELDS: ReadonlyMap<string, EcsField> = readTable(
  createRequire(import.meta.url)('../../mappings/ecs-fields.json'),
);

function readTable(table: Readonly<Record<EcsType | 'lists', readonly string[]>>): ReadonlyMap<string, EcsField> {
  const lists = new Set(table.lists);
  return new Map(
    TYPES.flatMap((type) => table[type].map((name) => [name, { type, isList: lists.has(name) }] as const)),
  );
}
