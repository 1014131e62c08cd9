/** Reading a page of a connection: its arguments, its rows, its cursors. */
import { ArgsType, Field, Int } from 'type-graphql';
import {
  type Connection,
  DEFAULT_PAGE,
  decodeKeyset,
  MAX_PAGE,
  type PagedList,
  pageSize,
  toConnection,
} from './connection.js';

/** The arguments of every connection; one that filters or orders extends them. */
@ArgsType()
export class PageArgs {
  @Field(() => Int, { nullable: true, defaultValue: DEFAULT_PAGE, description: `Page size, 1 to ${MAX_PAGE}.` })
  first?: number | null;

  @Field(() => String, { nullable: true, description: 'The `endCursor` of the page before.' })
  after?: string | null;
}

export interface PageSource<R, T> {
  readonly list: PagedList;
  /**
   * At most `limit` rows in the list's order.
   * @param after - sort keys of the last row of the page before; undefined on the first page.
   */
  readonly read: (after: readonly string[] | undefined, limit: number) => Promise<readonly R[]>;
  /** The sort keys of a row, as `list.sortedBy` names them. */
  readonly keysOf: (row: R) => string[];
  /** Called for the rows of the page alone. */
  readonly toNode: (row: R) => T;
}

/** The page that a client asks for. @throws AuroraError `BAD_USER_INPUT` on field `first` or `after`. */
export async function readPage<R, T>(
  { first, after }: PageArgs,
  { list, read, keysOf, toNode }: PageSource<R, T>,
): Promise<Connection<T>> {
  const size = pageSize(first);
  const keys = decodeKeyset(list, after);
  // One more than the page holds tells whether another follows.
  return toConnection(list, await read(keys, size + 1), size, keys !== undefined, toNode, keysOf);
}
