/** `aurora dead-letters`: what consumers gave up, for a person to look at and to have handled once more. */
import { AuroraError } from '@aurorasoc/kit/errors';
import type { GraphClient } from '../client/index.js';
import {
  type DeadLetterFacts,
  LIST_DEAD_LETTERS,
  type ListedDeadLetters,
  REPLAY_DEAD_LETTER,
  type ReplayDeadLetterAnswer,
} from '../client/operations.js';
import { escapeControls, fitLine, formatJsonLine } from '../terminal/escape-controls.js';
import { connectTo, type SiteTarget } from './profile.js';

export interface ListDeadLettersOptions extends SiteTarget {
  /** Letters of this stream alone. */
  readonly stream?: string;
  readonly limit: number;
  readonly json?: boolean;
}

export interface ReplayOptions extends SiteTarget {
  /** Every letter of the stream that is there when the command begins. */
  readonly all?: boolean;
}

/** Largest page of the graph. */
const PAGE = 200;
const REASON_LENGTH = 200;

/** Newest first. @throws GraphRequestError when the graph refuses the question. */
export async function listDeadLetters({ stream, limit, json, ...target }: ListDeadLettersOptions): Promise<void> {
  let count = 0;
  for await (const letter of lettersOf(connectTo(target), stream)) {
    if (count === limit) break;
    console.log(json ? formatJsonLine(letter) : formatLetter(letter));
    count += 1;
  }
  if (count === 0) console.error('aurora: no dead letters');
}

/**
 * @param id - the letter's; left out with `all`.
 * @throws AuroraError `NOT_FOUND` for a letter that is not there, `BAD_USER_INPUT` where neither or both are given.
 */
export async function replayDeadLetters(
  stream: string,
  id: string | undefined,
  { all = false, ...target }: ReplayOptions,
): Promise<void> {
  if (all === (id !== undefined))
    throw new AuroraError({
      code: 'BAD_USER_INPUT',
      field: 'ID',
      publicMessage: 'Give the id of one letter, or --all',
    });
  const client = connectTo(target);
  // All are known before the first is replayed: one that fails again is a new letter, which this would meet for ever.
  const ids = id === undefined ? (await Array.fromAsync(lettersOf(client, stream))).map((letter) => letter.id) : [id];
  for (const letterId of ids) {
    const isThere = await replay(client, stream, letterId);
    if (isThere) console.log(`Replayed ${letterId}`);
    else if (!all)
      throw new AuroraError({
        code: 'NOT_FOUND',
        field: 'ID',
        publicMessage: `${stream} has no dead letter ${letterId}; "aurora dead-letters list" shows them`,
      });
  }
  if (ids.length === 0) console.error('aurora: no dead letters');
}

async function replay(client: GraphClient, stream: string, id: string): Promise<boolean> {
  const answer = await client.query<ReplayDeadLetterAnswer>(REPLAY_DEAD_LETTER, { stream, id });
  return answer.replayDeadLetter.__typename === 'DeadLetter';
}

async function* lettersOf(client: GraphClient, stream: string | undefined): AsyncGenerator<DeadLetterFacts> {
  for (let after: string | null = null; ; ) {
    const variables: Record<string, unknown> = { stream, first: PAGE, after };
    const { deadLetters }: ListedDeadLetters = await client.query<ListedDeadLetters>(LIST_DEAD_LETTERS, variables);
    yield* deadLetters.nodes;
    if (!deadLetters.pageInfo.hasNextPage) return;
    after = deadLetters.pageInfo.endCursor;
  }
}

/** Two lines: where it is and who gave it up, and why. */
function formatLetter({ buriedAt, stream, id, group, attempts, code, reason }: DeadLetterFacts): string {
  const tries = `${attempts} ${attempts === 1 ? 'try' : 'tries'} by ${group}`;
  return `${buriedAt}  ${escapeControls(stream)} ${id} · ${escapeControls(tries)}\n    ${fitLine(`${code}: ${reason}`, REASON_LENGTH)}`;
}
