/** `aurora tail`: alerts and investigations as they happen, until Ctrl-C. */
import {
  type AlertChange,
  type CaughtUp,
  FOLLOW_ALERTS,
  type InvestigationProgress,
  PING,
  type ResyncRequired,
} from '../client/operations.js';
import { followInvestigations } from '../tailing/follow-investigations.js';
import { formatAlertChange, formatProgress } from '../tailing/format-items.js';
import { formatJsonLine } from '../terminal/escape-controls.js';
import { connectTo, type SiteTarget } from './profile.js';

export interface TailOptions extends SiteTarget {
  readonly json?: boolean;
}

type AlertItem = AlertChange | CaughtUp | ResyncRequired;

/** @throws GraphRequestError, AuroraError when gateway or token are wrong at the start. */
export async function tail({ json, ...target }: TailOptions): Promise<void> {
  const client = connectTo(target);
  await client.query(PING);
  const ended = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => ended.abort());
  // A reader that leaves (`| head`) is an end like Ctrl-C.
  process.stdout.on('error', () => ended.abort());

  const print = json ? printJson : printLine;
  const alerts = client.follow<AlertItem>(
    FOLLOW_ALERTS,
    {},
    {
      signal: ended.signal,
      onItem: print,
      onDisconnect: (reason) => console.error(`aurora: the connection is lost (${reason}); resuming`),
    },
  );
  try {
    await Promise.all([alerts, followInvestigations(client, { signal: ended.signal, onProgress: print })]);
  } finally {
    ended.abort();
  }
}

function printJson(item: AlertItem | InvestigationProgress): void {
  if (item !== null && item.__typename !== 'CaughtUp') console.log(formatJsonLine(item));
}

function printLine(item: AlertItem | InvestigationProgress): void {
  const line = item === null ? undefined : formatItem(item);
  if (line !== undefined) console.log(line);
}

function formatItem(item: AlertItem | InvestigationProgress): string | undefined {
  switch (item.__typename) {
    case 'AlertChange':
      return formatAlertChange(item);
    case 'InvestigationProgress':
      return formatProgress(item);
    case 'ResyncRequired':
      return `Changes up to here may be missing (${item.reason})`;
    case 'CaughtUp':
      return undefined;
  }
}
