/**
 * The peer: graphql-ws' own server on ws with a schema of one field, which pushes what it is told to each of its clients.
 * Started by `fork`; tells its URL.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { buildSchema, type GraphQLSchema } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import type { PushOrder } from './messages.js';

interface Item {
  readonly __typename: 'AlertChange' | 'CaughtUp';
  readonly cursor: string;
}

const ALERTS = 50;
const ids = Array.from({ length: ALERTS }, () => randomUUID());
const clients = new Set<{ push(items: readonly Item[]): void }>();
let position = 0;

/** As long as the product's own. */
function cursorOf(at: number): string {
  return `${'0'.repeat(8)}${'A'.repeat(32)}${String(at).padStart(12, '0')}`;
}

function makeSchema(): GraphQLSchema {
  const schema = buildSchema(`
    type Query { nothing: Boolean }
    type Subscription { alertChanged(after: String): AlertChangeItem! }
    union AlertChangeItem = AlertChange | CaughtUp
    type CaughtUp { cursor: String! }
    type AlertChange { cursor: String! kind: String! alertId: ID! version: Int! alert: Alert }
    type Alert { id: ID! title: String! severity: String! status: String! assignee: String }
  `);
  const field = schema.getSubscriptionType()?.getFields().alertChanged;
  if (field === undefined) throw new RangeError('the schema has no field');
  field.subscribe = openField;
  return schema;
}

async function* openField(): AsyncGenerator<{ alertChanged: Item }> {
  const waiting: Item[] = [{ __typename: 'CaughtUp', cursor: cursorOf(position) }];
  let wake: () => void = () => undefined;
  const client = {
    push: (items: readonly Item[]) => {
      waiting.push(...items);
      wake();
    },
  };
  clients.add(client);
  try {
    for (;;) {
      for (const item of waiting.splice(0)) yield { alertChanged: item };
      if (waiting.length === 0)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  } finally {
    clients.delete(client);
  }
}

function makeChange(): Item & Record<string, unknown> {
  position += 1;
  const id = ids[position % ALERTS] ?? '';
  return {
    __typename: 'AlertChange',
    cursor: cursorOf(position),
    kind: 'UPDATED',
    alertId: id,
    version: Math.ceil(position / ALERTS) + 1,
    alert: { id, title: 'Shadow copies deleted', severity: 'HIGH', status: 'NEW', assignee: `person-${position}` },
  };
}

const server = createServer();
useServer({ schema: makeSchema() }, new WebSocketServer({ server, path: '/graphql', perMessageDeflate: false }));
process.on('message', ({ changes }: PushOrder) => {
  const items = Array.from({ length: changes }, makeChange);
  for (const client of clients) client.push(items);
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new RangeError('no port');
  process.send?.({ url: `ws://127.0.0.1:${address.port}/graphql` });
});
