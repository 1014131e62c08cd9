/** `aurora tail`: the queue of alerts, then alerts and investigations as they happen, until Ctrl-C. */
import { badUserInput } from '@aurorasoc/kit/errors';
import { createClient } from '../client/index.js';
import { PING } from '../client/operations.js';
import { followQueue, type TailItem } from '../tailing/follow-queue.js';
import { formatItem } from '../tailing/format-items.js';
import { escapeControls, formatJsonLine } from '../terminal/escape-controls.js';
import { parseDuration } from '../terminal/parse-duration.js';
import { chooseConnection, type SiteTarget } from './profile.js';

export interface TailOptions extends SiteTarget {
  readonly json?: boolean;
  /** Tool calls of investigations are shown, too. */
  readonly verbose?: boolean;
  /** How many alerts of the queue come first. @default 20, or all that `since` allows */
  readonly last?: number;
  /** A duration such as `2h`, or a moment in RFC 3339: only alerts that were opened since then come first. */
  readonly since?: string;
}

const DEFAULT_LAST = 20;
/** One page of the graph. */
const MOST_LAST = 200;

/** @throws GraphRequestError, AuroraError when gateway, token or options are wrong at the start. */
export async function tail({ json, verbose, last, since, ...target }: TailOptions): Promise<void> {
  const from = since === undefined ? undefined : parseSince(since, new Date());
  const { url, token, identity } = chooseConnection(target);
  const client = createClient({ url, token });
  await client.query(PING);
  const ended = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => ended.abort());
  // A reader that leaves (`| head`) is an end like Ctrl-C.
  process.stdout.on('error', () => ended.abort());

  if (!json) console.log(`Following ${escapeControls(identity)} at ${escapeControls(url)}; Ctrl-C ends it`);
  const printLines = (item: TailItem): void => {
    for (const line of formatItem(item, { isVerbose: verbose === true })) console.log(line);
  };
  try {
    await followQueue(client, {
      last: last ?? (from === undefined ? DEFAULT_LAST : MOST_LAST),
      since: from,
      signal: ended.signal,
      onItem: json ? (item) => console.log(formatJsonLine(item)) : printLines,
      onDisconnect: (reason) =>
        console.error(`aurora: the connection is lost (${escapeControls(reason)}); trying until it is back`),
      onReconnect: () => console.error('aurora: the connection is back; what happened meanwhile follows'),
    });
  } finally {
    ended.abort();
  }
}

/** @throws AuroraError `BAD_USER_INPUT` unless it is a moment that has passed. */
export function parseSince(text: string, now: Date): Date {
  const duration = parseDuration(text);
  const moment = duration === undefined ? Date.parse(text) : now.getTime() - duration;
  if (moment <= now.getTime()) return new Date(moment);
  throw badUserInput('--since', `"${text}" is neither a duration like 30m, 12h or 2d nor a moment that has passed`);
}
