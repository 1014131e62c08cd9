/** Relay connections (GraphQL Cursor Connections Specification): forward paging by keyset. */
import { type ClassType, Directive, Field, ObjectType } from 'type-graphql';
import { badUserInput } from '../errors.js';
import { isUuid } from '../ids.js';
import { isEntryId } from '../streams/entry.js';
import { Rights, type Rule, SIGNED_IN } from './rights.js';

export const MAX_PAGE = 200;
export const DEFAULT_PAGE = 50;

@Directive('@shareable')
@Rights(SIGNED_IN)
@ObjectType({ description: 'Where a page of a connection ends.' })
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether another page follows.' })
  hasNextPage!: boolean;

  @Field(() => Boolean, { description: 'Whether a page precedes this one.' })
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true, description: 'Cursor of the first edge.' })
  startCursor?: string | undefined;

  @Field(() => String, { nullable: true, description: 'Give it as `after` to read on.' })
  endCursor?: string | undefined;
}

export interface Edge<T> {
  cursor: string;
  node: T;
}

export interface Connection<T> {
  edges: Edge<T>[];
  nodes: T[];
  pageInfo: PageInfo;
}

/** The GraphQL type of a connection, named `<Node>Connection`, guarded by the node's rule. */
export function connectionType<T extends object>(
  node: ClassType<T>,
  name: string,
  rule: Rule,
): ClassType<Connection<T>> {
  @Rights(rule)
  @ObjectType(`${name}Edge`, { description: `One ${name} in a page.` })
  class NodeEdge implements Edge<T> {
    @Field(() => String, { description: 'Give it as `after` to read on behind this one.' })
    cursor!: string;

    @Field(() => node, { description: `The ${name}.` })
    node!: T;
  }

  @Rights(rule)
  @ObjectType(`${name}Connection`, { description: `A page of ${name}s.` })
  class NodeConnection implements Connection<T> {
    @Field(() => [NodeEdge], { description: 'The page with its cursors.' })
    edges!: NodeEdge[];

    @Field(() => [node], { description: 'The page without cursors.' })
    nodes!: T[];

    @Field(() => PageInfo, { description: 'Where the page ends.' })
    pageInfo!: PageInfo;
  }
  return NodeConnection;
}

/** The page size asked for. @throws AuroraError `BAD_USER_INPUT` outside of 1…200. */
export function pageSize(first: number | undefined | null): number {
  const size = first ?? DEFAULT_PAGE;
  if (size < 1 || size > MAX_PAGE) throw badUserInput('first', `A page holds 1 to ${MAX_PAGE} items`);
  return size;
}

/**
 * `id` is a UUID in lower case, `time` an RFC 3339 time in UTC with milliseconds, as `Date.toISOString` writes it, `entry`
 * an entry's id in a Redis stream, `text` any text up to 200 characters.
 */
export type SortKey = 'id' | 'time' | 'entry' | 'text';

/** A list that is read in pages, in one order. */
export interface PagedList {
  /**
   * Unique in its domain, and its order is part of it where there are several: every cursor carries it. What may be left
   * out of it are filters, since a place in an order is the same whatever else is shown.
   */
  readonly name: string;
  /** What the list is sorted by; together unique. */
  readonly sortedBy: readonly SortKey[];
}

/** The opaque text of a place in a list. @param keys - of the row at that place, as `sortedBy` names them. */
export function encodeKeyset({ name }: PagedList, keys: readonly string[]): string {
  return Buffer.from(JSON.stringify([name, ...keys])).toString('base64url');
}

/**
 * The sort keys of the last row of the page before; undefined for the first page.
 * @throws AuroraError `BAD_USER_INPUT` for text that no page of this very list carried: read as a place in another list or
 * order it would give a wrong page, and nothing would say so.
 */
export function decodeKeyset(list: PagedList, after: string | undefined | null): string[] | undefined {
  if (after === undefined || after === null) return undefined;
  const [name, ...keys] = readParts(after);
  if (name === list.name && areKeys(keys, list.sortedBy)) return keys;
  throw badUserInput(
    'after',
    'This is not the cursor of a page of this list in this order; leave it out to start at the first one',
  );
}

/** The parts of a cursor; none for any other text. */
function readParts(cursor: string): unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(parts) ? parts : [];
  } catch {
    // Not a cursor at all, which the caller reports as it does a foreign one.
    return [];
  }
}

function areKeys(keys: readonly unknown[], kinds: readonly SortKey[]): keys is string[] {
  return keys.length === kinds.length && kinds.every((kind, index) => isKey(kind, keys[index]));
}

/** PostgreSQL knows no year 0, and spells those after 9999 otherwise. */
const TIME = /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

function isKey(kind: SortKey, key: unknown): boolean {
  if (typeof key !== 'string') return false;
  if (kind === 'entry') return isEntryId(key);
  if (kind === 'text') return key.length <= 200;
  return kind === 'id' ? isUuid(key) : TIME.test(key) && !Number.isNaN(Date.parse(key));
}

/**
 * A page from rows that were read with one more than the page holds.
 * @param keysOf - the sort keys of a row, as {@link encodeKeyset} takes them.
 */
export function toConnection<R, T>(
  list: PagedList,
  rows: readonly R[],
  size: number,
  isLaterPage: boolean,
  toNode: (row: R) => T,
  keysOf: (row: R) => string[],
): Connection<T> {
  const edges = rows.slice(0, size).map((row) => ({ cursor: encodeKeyset(list, keysOf(row)), node: toNode(row) }));
  const pageInfo: PageInfo = {
    hasNextPage: rows.length > size,
    hasPreviousPage: isLaterPage,
    startCursor: edges[0]?.cursor,
    endCursor: edges.at(-1)?.cursor,
  };
  return { edges, nodes: edges.map((edge) => edge.node), pageInfo };
}
