// Prints the alerts of a tenant as they change. Stopped and started again it goes on behind the last change it has dealt with.
// TOKEN=$(npm run -s aurora -- token show) npx node docs/examples/follow-alerts.mjs
// AURORA_WS says where the site is, when not on its usual port; a cursor file belongs to one tenant of one site.
// Elsewhere it needs Node 22 or later, which has WebSocket built in, and `npm install graphql-ws`.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createClient } from 'graphql-ws';

const { AURORA_WS = 'ws://127.0.0.1:8000/graphql', TOKEN, CURSOR_FILE = 'alerts.cursor' } = process.env;
const query = `subscription ($after: Cursor) { alertChanged(after: $after) {
  __typename
  ... on AlertChange { cursor kind alert { id title severity status count } }
  ... on CaughtUp { cursor }
  ... on ResyncRequired { since }
} }`;
// graphql-ws sends the variables anew at each connection, so the newest cursor must be in them.
const variables = { after: existsSync(CURSOR_FILE) ? readFileSync(CURSOR_FILE, 'utf8') : undefined };
const connectionParams = { authorization: `Bearer ${TOKEN}` };
// 4403 is the answer to a token that does not count (any more): asking again would not help.
const shouldRetry = ({ code }) => code !== 4403;
const on = {
  closed: ({ code, reason }) => code !== 1000 && console.error(`No connection to ${AURORA_WS} (${code} ${reason})`),
};
const client = createClient({ url: AURORA_WS, connectionParams, retryAttempts: Infinity, shouldRetry, on });

try {
  for await (const { data, errors } of client.iterate({ query, variables })) {
    const item = data?.alertChanged;
    if (!item) throw errors ?? new Error('An answer without data');
    if (item.alert) console.log(item.kind, JSON.stringify(item.alert));
    if (item.__typename === 'CaughtUp') console.error('Up to date; waiting for changes');
    if (item.since) console.log('Changes may be missing: query `alerts` again');
    variables.after = item.cursor ?? item.since;
    // Renamed into place: a program that is killed while it writes must not find half a cursor when it is started again.
    writeFileSync(`${CURSOR_FILE}.new`, variables.after);
    renameSync(`${CURSOR_FILE}.new`, CURSOR_FILE);
  }
} catch (error) {
  // Errors of the subscription come as a list, such as for a cursor of another site; the end of a connection was told above.
  if (Array.isArray(error)) for (const { message, extensions } of error) console.error(extensions?.code, message);
  else if (error instanceof Error) console.error(error.message);
  process.exitCode = 1;
}
