/** Events that carry a client's number: what was accepted is counted by these, through the graph. */
import { setTimeout as wait } from 'node:timers/promises';
import type { RunningSite } from './site.js';

/** @returns whether the batch was accepted; without a 2xx nobody knows whether it is stored. */
export async function postNumbers(site: RunningSite, numbers: readonly number[]): Promise<boolean> {
  try {
    const response = await fetch(`${site.urls.ingest}/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', authorization: `Bearer ${site.token}` },
      body: numbers.map((n) => `{"message":"soak","client_number":${n}}\n`).join(''),
      signal: AbortSignal.timeout(20_000),
    });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    // Killed in mid-request: the client cannot know.
    return false;
  }
}

export interface StoredNumbers {
  /** Accepted and not found. */
  readonly lost: number;
  /** Found more than once. */
  readonly doubled: number;
}

interface Page {
  events: {
    nodes: { document: { aurora: { fields: { client_number: number } } } }[];
    pageInfo: { hasNextPage: boolean; endCursor: string };
  };
}

const EVENTS =
  'query ($after: String) { events(query: "aurora.fields.message:soak", first: 200, after: $after) { nodes { document } pageInfo { hasNextPage endCursor } } }';
const SETTLE_MS = 300_000;

/** Waits until all accepted ones are there, at most five minutes, and then says which are not. */
export async function countStored(site: RunningSite, accepted: readonly number[]): Promise<StoredNumbers> {
  const found = await findThroughGraph(site, accepted);
  return {
    lost: accepted.filter((n) => !found.has(n)).length,
    doubled: [...found.values()].filter((count) => count > 1).length,
  };
}

async function findThroughGraph(site: RunningSite, accepted: readonly number[]): Promise<Map<number, number>> {
  const deadline = Date.now() + SETTLE_MS;
  for (let before = -1; ; ) {
    const found = await readNumbers(site, deadline);
    const isComplete = accepted.every((n) => found.has(n));
    if (isComplete || Date.now() > deadline) return found;
    console.log(`${found.size} of ${accepted.length} stored`);
    await wait(found.size === before ? 5_000 : 1_000);
    before = found.size;
  }
}

/** How often each number is stored. @throws Error when the graph does not tell until the deadline. */
export async function readNumbers({ client }: RunningSite, deadline: number): Promise<Map<number, number>> {
  const found = new Map<number, number>();
  for (let after: string | undefined; ; ) {
    const { data, errors } = await client.execute<Page>(EVENTS, after === undefined ? {} : { after });
    if (!data?.events || errors.length > 0) {
      if (Date.now() > deadline)
        throw new Error(`The graph does not tell the stored events: ${JSON.stringify(errors)}`);
      await wait(500);
      continue;
    }
    for (const { document } of data.events.nodes) {
      const number = document.aurora.fields.client_number;
      found.set(number, (found.get(number) ?? 0) + 1);
    }
    if (!data.events.pageInfo.hasNextPage) return found;
    after = data.events.pageInfo.endCursor;
  }
}
