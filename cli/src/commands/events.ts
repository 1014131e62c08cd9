/** `aurora events`: what became of the lines that were sent, by the search language of the graph. */
import { LIST_EVENTS, type ListedEvent, type ListedEvents } from '../client/operations.js';
import { escapeControls, fitLine, formatJsonLine } from '../terminal/escape-controls.js';
import { connectTo, type SiteTarget } from './profile.js';

export interface EventsOptions extends SiteTarget {
  readonly limit: number;
  readonly json?: boolean;
}

/** Largest page of the graph. */
const PAGE = 200;
const ORIGINAL_LENGTH = 200;

/** @throws GraphRequestError when the graph refuses the query; AuroraError as `connectTo` and the client do. */
export async function listEvents(query: string | undefined, { limit, json, ...target }: EventsOptions): Promise<void> {
  const client = connectTo(target);
  let after: string | null = null;
  let count = 0;
  do {
    const first = Math.min(PAGE, limit - count);
    const { events }: ListedEvents = await client.query<ListedEvents>(LIST_EVENTS, { query, first, after });
    for (const event of events.nodes) console.log(json ? formatJsonLine(event) : formatEvent(event));
    count += events.nodes.length;
    after = events.pageInfo.hasNextPage ? events.pageInfo.endCursor : null;
  } while (after !== null && count < limit);
  if (count === 0) console.error('aurora: no stored event fits');
}

/** Two lines: what was understood of the event, and the beginning of how it came. */
export function formatEvent(event: ListedEvent): string {
  const facts = [
    event.isRaw ? 'RAW (kept as it came)' : [event.dataset, event.code].filter((part) => part !== null).join(' '),
    event.hostName,
    event.userName,
    event.id,
  ];
  const known = facts.flatMap((fact) => (fact === null || fact === '' ? [] : [escapeControls(fact)]));
  return `${event.timestamp}  ${known.join(' · ')}\n    ${fitLine(event.original ?? JSON.stringify(event.document), ORIGINAL_LENGTH)}`;
}
