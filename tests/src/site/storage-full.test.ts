/**
 * A full disk of the database, as SQLSTATE 53100 tells it: people get a typed error, workers wait and bury nothing, and all
 * goes on by itself once there is room.
 */
import { MAX_ATTEMPTS } from '@aurorasoc/kit/streams';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { shadowCopiesDeleted, toNdjson } from '../support/events.js';
import { postEvents } from '../support/public-doors.js';
import { joinSite, type SharedSite } from '../support/shared-site.js';
import { eventually } from '../support/wait.js';

const UPDATE =
  'mutation ($ids: [ID!]!, $input: UpdateAlertsInput!) { updateAlerts(ids: $ids, input: $input) { ... on Alert { assignee } } }';

let site: SharedSite;
let admin: Client;

beforeAll(async () => {
  site = await joinSite();
  admin = new Client({ connectionString: site.databaseUrl('alerts') });
  await admin.connect();
  // The trigger says what PostgreSQL says when a file cannot grow. Its count stays when the transaction is rolled back.
  await admin.query('create sequence public.refusals');
  await admin.query(
    `create function public.refuse_for_room() returns trigger language plpgsql security definer as $$
     begin
       perform nextval('public.refusals');
       raise exception 'could not extend file "base/1/2": No space left on device' using errcode = '53100';
     end $$`,
  );
});

afterEach(async () => {
  for (const table of ['alert', 'ingested_event']) await makeRoom(table);
});

afterAll(async () => {
  await admin?.query('drop function if exists public.refuse_for_room cascade');
  await admin?.query('drop sequence if exists public.refusals');
  await admin?.end();
});

async function fillUp(table: string): Promise<void> {
  await admin.query('alter sequence public.refusals restart');
  await admin.query(
    `create trigger no_room before insert or update on alerts.${table} for each statement execute function public.refuse_for_room()`,
  );
}

async function makeRoom(table: string): Promise<void> {
  await admin.query(`drop trigger if exists no_room on alerts.${table}`);
}

/** How often the database has refused since it was full. */
async function refusals(): Promise<number> {
  const { rows } = await admin.query<{ n: string }>(
    'select case when is_called then last_value else 0 end as n from public.refusals',
  );
  return Number(rows[0]?.n);
}

const openAlerts = async (): Promise<string[]> =>
  (await site.client.query<{ alerts: { nodes: { id: string }[] } }>('{ alerts { nodes { id } } }')).alerts.nodes.map(
    (alert) => alert.id,
  );
const deadLetters = async (): Promise<unknown[]> =>
  (await site.client.query<{ deadLetters: { nodes: unknown[] } }>('{ deadLetters { nodes { id } } }')).deadLetters
    .nodes;
const storedEvents = async (host: string): Promise<number> =>
  (
    await site.client.query<{ events: { nodes: unknown[] } }>(
      'query ($query: String) { events(query: $query) { nodes { id } } }',
      {
        query: `host.name:${host}`,
      },
    )
  ).events.nodes.length;

describe('a database without room', () => {
  it('refuses a change by STORAGE_FULL, keeps its words to itself, and takes the change when there is room', async () => {
    await postEvents(site, toNdjson([shadowCopiesDeleted('WS-FULL-01')]));
    const ids = await eventually(openAlerts, (found) => found.length === 1);
    await fillUp('alert');
    const { errors } = await site.client.execute(UPDATE, { ids, input: { assignee: 'ann' } });
    expect(errors).toEqual([
      expect.objectContaining({
        message: 'The database has no room left; writes are refused until there is',
        extensions: { code: 'STORAGE_FULL', retryAfter: 60, service: 'alerts', requestId: expect.any(String) },
      }),
    ]);
    await makeRoom('alert');
    expect(await site.client.query(UPDATE, { ids, input: { assignee: 'ann' } })).toEqual({
      updateAlerts: [{ assignee: 'ann' }],
    });
  });

  it.each([
    ['storage', 'ingested_event', 'WS-FULL-02'],
    ['detection', 'alert', 'WS-FULL-03'],
  ])('makes %s wait with its batch, beyond the tries after which others are buried', async (_worker, table, host) => {
    const before = (await openAlerts()).length;
    await fillUp(table);
    await postEvents(site, toNdjson([shadowCopiesDeleted(host)]));
    await eventually(refusals, (count) => count > 2 * MAX_ATTEMPTS, 40_000);
    expect(await deadLetters()).toEqual([]);
    await makeRoom(table);
    await eventually(
      () => storedEvents(host),
      (count) => count === 1,
      40_000,
    );
    await eventually(openAlerts, (found) => found.length === before + 1, 40_000);
    expect(await deadLetters()).toEqual([]);
  });
});
