/** Relay connections (GraphQL Cursor Connections Specification): forward paging by keyset. */
import { type ClassType, Directive, Field, ObjectType } from 'type-graphql';
import { badUserInput } from '../errors.js';
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

/** The opaque text of a place in an order: the sort keys of the row. */
export function encodeKeyset(keys: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(keys)).toString('base64url');
}

/** @throws AuroraError `BAD_USER_INPUT` for text that no page carried. */
export function decodeKeyset(after: string | undefined | null, length: number): (string | number)[] | undefined {
  if (after === undefined || after === null) return undefined;
  try {
    const keys: unknown = JSON.parse(Buffer.from(after, 'base64url').toString('utf8'));
    if (
      Array.isArray(keys) &&
      keys.length === length &&
      keys.every((key) => typeof key === 'string' || typeof key === 'number')
    )
      return keys;
  } catch {
    // Reported below, as any other text that is not a cursor.
  }
  throw badUserInput('after', 'This is not the cursor of a page; leave it out to start at the first one');
}

/**
 * A page from rows that were read with one more than the page holds.
 * @param keysOf - the sort keys of a row, as {@link encodeKeyset} takes them.
 */
export function toConnection<R, T>(
  rows: readonly R[],
  size: number,
  isLaterPage: boolean,
  toNode: (row: R) => T,
  keysOf: (row: R) => (string | number)[],
): Connection<T> {
  const edges = rows.slice(0, size).map((row) => ({ cursor: encodeKeyset(keysOf(row)), node: toNode(row) }));
  const pageInfo: PageInfo = {
    hasNextPage: rows.length > size,
    hasPreviousPage: isLaterPage,
    startCursor: edges[0]?.cursor,
    endCursor: edges.at(-1)?.cursor,
  };
  return { edges, nodes: edges.map((edge) => edge.node), pageInfo };
}
