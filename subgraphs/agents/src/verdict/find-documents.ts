/** The documents of events by their ids, from the graph. */
import { z } from 'zod';
import type { GraphClient } from '../graph/graph-client.js';

/** Fields of one operation; the gateway's cost limit counts each. */
const PER_QUERY = 20;
const answerSchema = z.record(
  z.string(),
  z.object({ id: z.string(), document: z.record(z.string(), z.unknown()) }).nullable(),
);

export async function findDocuments(
  graph: GraphClient,
  token: string,
  eventIds: readonly string[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, unknown>> {
  const documents = new Map<string, unknown>();
  for (let from = 0; from < eventIds.length; from += PER_QUERY) {
    const page = eventIds.slice(from, from + PER_QUERY);
    const document = `query CitedEvents(${page.map((_, index) => `$id${index}: ID!`).join(', ')}) { ${page.map((_, index) => `e${index}: event(id: $id${index}) { id document }`).join(' ')} }`;
    const variables = Object.fromEntries(page.map((id, index) => [`id${index}`, id]));
    const found = await graph.query(answerSchema, { document, variables, token, signal });
    for (const event of Object.values(found)) if (event) documents.set(event.id, event.document);
  }
  return documents;
}
