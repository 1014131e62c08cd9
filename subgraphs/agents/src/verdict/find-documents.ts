/** The documents of events by their ids, from the graph. */
import { AuroraError } from '@aurorasoc/kit/errors';
import { z } from 'zod';
import { GATEWAY_LIMITS } from '../graph/gateway-limits.js';
import type { GraphClient } from '../graph/graph-client.js';

/** Each event of a query is a field under an alias of its own, and the gateway refuses an operation with more aliases. */
const PER_QUERY = GATEWAY_LIMITS.maxAliases;
const answerSchema = z.record(
  z.string(),
  z.object({ id: z.string(), document: z.record(z.string(), z.unknown()) }).nullable(),
);

type Document = readonly [id: string, document: unknown];

export async function findDocuments(
  graph: GraphClient,
  token: string,
  eventIds: readonly string[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, unknown>> {
  const documents: Document[] = [];
  for (let from = 0; from < eventIds.length; from += PER_QUERY)
    documents.push(...(await findPage(graph, token, eventIds.slice(from, from + PER_QUERY), signal)));
  return new Map(documents);
}

/** By halves where the events of a page are too large for one answer. */
async function findPage(
  graph: GraphClient,
  token: string,
  page: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Document[]> {
  try {
    const document = `query CitedEvents(${page.map((_, index) => `$id${index}: ID!`).join(', ')}) { ${page.map((_, index) => `e${index}: event(id: $id${index}) { id document }`).join(' ')} }`;
    const variables = Object.fromEntries(page.map((id, index) => [`id${index}`, id]));
    const found = await graph.query(answerSchema, { document, variables, token, signal });
    return Object.values(found).flatMap((event) => (event ? [[event.id, event.document] as const] : []));
  } catch (error) {
    if (page.length === 1 || !(error instanceof AuroraError && error.code === 'PAYLOAD_TOO_LARGE')) throw error;
    const middle = Math.ceil(page.length / 2);
    return [
      ...(await findPage(graph, token, page.slice(0, middle), signal)),
      ...(await findPage(graph, token, page.slice(middle), signal)),
    ];
  }
}
