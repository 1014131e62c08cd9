/** A tenant's dead letters of every stream as one list, newest first. */
import { badUserInput } from '@aurorasoc/kit/errors';
import { type Connection, type PageArgs, type PagedList, readPage } from '@aurorasoc/kit/graphql';
import {
  compareEntryIds,
  type DeadLetter,
  entryIdAfter,
  findDeadLetterStreams,
  listDeadLetters,
  type Redis,
} from '@aurorasoc/kit/streams';

/** Streams order their letters by id, and letters of two streams may have the same one: by stream then. */
const DEAD_LETTERS: PagedList = { name: 'dead letters', sortedBy: ['entry', 'text'] };
const STREAM_NAME = /^aurora(:[a-z0-9_-]+){2,6}$/;

/** The name, if it can be one of a stream. @throws AuroraError `BAD_USER_INPUT` */
export function streamOf(name: string): string {
  if (STREAM_NAME.test(name) && name.length <= 200) return name;
  throw badUserInput('stream', 'A stream has a name like aurora:alerts:events');
}

/**
 * @param stream - the only one to look at; undefined or null: every stream that has letters.
 * @throws AuroraError `BAD_USER_INPUT`, see {@link readPage} and {@link streamOf}.
 */
export function listTenantLetters(
  redis: Redis,
  tenant: string,
  stream: string | null | undefined,
  args: PageArgs,
): Promise<Connection<DeadLetter>> {
  const wanted = stream === undefined || stream === null ? undefined : streamOf(stream);
  return readPage(args, {
    list: DEAD_LETTERS,
    read: async (after, limit) => {
      const streams = await findDeadLetterStreams(redis);
      const found = await Promise.all(
        streams
          .filter((name) => wanted === undefined || name === wanted)
          .map((name) => listDeadLetters(redis, name, tenant, { after: beginIn(name, after), limit })),
      );
      return found.flat().sort(inOrder).slice(0, limit);
    },
    keysOf: ({ id, stream: name }) => [id, name],
    toNode: (letter) => letter,
  });
}

/** The id behind which the page begins in this stream: a letter of the same id in a later stream is still to come. */
function beginIn(stream: string, after: readonly string[] | undefined): string | undefined {
  const [id, last] = after ?? [];
  if (id === undefined || last === undefined) return undefined;
  return stream > last ? entryIdAfter(id) : id;
}

function inOrder(one: DeadLetter, other: DeadLetter): number {
  return compareEntryIds(other.id, one.id) || (one.stream < other.stream ? -1 : 1);
}
