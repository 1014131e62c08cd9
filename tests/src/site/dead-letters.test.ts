/**
 * What a consumer gave up, at the graph's door: seen by its own tenant alone, replayed with its effect made once, and who
 * replayed it told to whoever listens.
 */
import { createClient, type GraphClient, type GraphResult } from '@aurorasoc/cli/client';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aurora } from '../support/cli.js';
import { shadowCopiesDeleted, toNdjson } from '../support/events.js';
import { createSecondIdentity, createToken, postEvents } from '../support/public-doors.js';
import { joinSite, type SharedSite } from '../support/shared-site.js';
import { eventually } from '../support/wait.js';

const STREAM = 'aurora:ingest:events:0';
const EVENTS = 3;
const LETTERS = `query ($stream: String, $first: Int, $after: String) {
  deadLetters(stream: $stream, first: $first, after: $after) {
    nodes { id stream group messageId code reason attempts buriedAt sha256 fields { name value length } }
    pageInfo { endCursor hasNextPage }
  }
}`;
const REPLAY = `mutation ($stream: String!, $id: ID!) { replayDeadLetter(stream: $stream, id: $id) {
  __typename ... on DeadLetter { id messageId } ... on DeadLetterNotFound { stream id }
} }`;
const REPLAYED = `subscription ($after: Cursor) { deadLetterReplayed(after: $after) {
  __typename
  ... on DeadLetterReplayed { cursor stream group letterId messageId version actor { kind id } }
  ... on CaughtUp { cursor }
  ... on ResyncRequired { since reason }
} }`;

interface Letter {
  readonly id: string;
  readonly stream: string;
  readonly group: string;
  readonly messageId: string;
  readonly code: string;
  readonly reason: string;
  readonly attempts: number;
  readonly sha256: string;
  readonly fields: readonly { readonly name: string; readonly value: string; readonly length: number }[];
}
interface LettersAnswer {
  readonly deadLetters: {
    readonly nodes: readonly Letter[];
    readonly pageInfo: { readonly endCursor: string | null; readonly hasNextPage: boolean };
  };
}
interface ReplayAnswer {
  readonly replayDeadLetter: { readonly __typename: string; readonly id: string };
}
interface Item {
  readonly __typename: string;
  readonly cursor: string;
  readonly letterId?: string;
  readonly version?: number;
  readonly actor?: { readonly kind: string; readonly id: string };
}

let site: SharedSite;
let analyst: GraphClient;
let admin: Client;

beforeAll(async () => {
  site = await joinSite();
  analyst = createClient({ url: site.urls.gateway, token: await createSecondIdentity(site) });
  admin = new Client({ connectionString: site.databaseUrl('alerts') });
  await admin.connect();
});

afterAll(async () => {
  await admin?.end();
});

const lettersOf = async (client: GraphClient, variables: Record<string, unknown> = {}): Promise<readonly Letter[]> =>
  (await client.query<LettersAnswer>(LETTERS, variables)).deadLetters.nodes;

/** Two batches that storage cannot store while the constraint stands: as after a release with a bug. */
async function buryTwoBatches(): Promise<readonly Letter[]> {
  await admin.query(
    `alter table alerts.ingest_batch add constraint broken check (tenant <> '${site.tenant}') not valid`,
  );
  for (const host of ['WS-DEAD-01', 'WS-DEAD-02'])
    await postEvents(site, toNdjson(Array.from({ length: EVENTS }, () => shadowCopiesDeleted(host))));
  const letters = await eventually(
    () => lettersOf(site.client),
    (found) => found.length === 2,
    30_000,
  );
  await admin.query('alter table alerts.ingest_batch drop constraint broken');
  return letters;
}

/** Items of the live field until `isEnough`. */
async function follow(client: GraphClient, after: string | undefined, isEnough: (items: readonly Item[]) => boolean) {
  const items: Item[] = [];
  const leave = new AbortController();
  await client.follow<Item>(REPLAYED, after === undefined ? {} : { after }, {
    signal: leave.signal,
    onItem: (item) => {
      items.push(item);
      if (isEnough(items)) leave.abort();
    },
  });
  return items;
}

function refusalOf({ errors }: GraphResult<unknown>): Record<string, unknown> {
  expect(errors).toHaveLength(1);
  return errors[0]?.extensions as Record<string, unknown>;
}

describe('dead letters', () => {
  let letters: readonly Letter[];

  beforeAll(async () => {
    letters = await buryTwoBatches();
  });

  it('tell what was given up, by whom and why', () => {
    expect(letters.map(({ stream, group, code, attempts }) => ({ stream, group, code, attempts }))).toEqual(
      Array.from({ length: 2 }, () => ({
        stream: STREAM,
        group: 'alerts-storage',
        code: 'HANDLER_FAILED',
        attempts: 5,
      })),
    );
    for (const letter of letters) {
      expect(letter.reason).toContain('broken');
      expect(letter.sha256).toMatch(/^[0-9a-f]{64}$/);
      const body = letter.fields.find(({ name }) => name === 'body');
      expect(body?.length).toBeGreaterThan(body?.value.length ?? Number.POSITIVE_INFINITY);
    }
  });

  it('are pages, newest first, over all streams as in one', async () => {
    const [newest, older] = letters;
    for (const stream of [null, STREAM]) {
      const { deadLetters: page } = await site.client.query<LettersAnswer>(LETTERS, { stream, first: 1 });
      expect(page.nodes.map(({ id }) => id)).toEqual([newest?.id]);
      expect(page.pageInfo.hasNextPage).toBe(true);
      const rest = await lettersOf(site.client, { stream, first: 5, after: page.pageInfo.endCursor });
      expect(rest.map(({ id }) => id)).toEqual([older?.id]);
    }
    expect(await lettersOf(site.client, { stream: 'aurora:alerts:events' })).toEqual([]);
  });

  it('are nobody else’s to see or to replay', async () => {
    expect(await lettersOf(site.stranger)).toEqual([]);
    const [letter] = letters;
    const variables = { stream: STREAM, id: letter?.id };
    expect(await site.stranger.query<ReplayAnswer>(REPLAY, variables)).toEqual({
      replayDeadLetter: { __typename: 'DeadLetterNotFound', ...variables },
    });
  });

  it('are read by everybody of the tenant, and replayed by who operates the site', async () => {
    expect(await lettersOf(analyst)).toHaveLength(2);
    const refused = await analyst.execute(REPLAY, { stream: STREAM, id: letters[0]?.id });
    expect(refusalOf(refused)).toMatchObject({ code: 'FORBIDDEN' });
  });

  it('show who runs the site that they are there, and nothing of what is in them', async () => {
    const token = await createToken(site, 'site-admin', 'operator');
    const operator = createClient({ url: site.urls.gateway, token });
    const why = await operator.query<{ deadLetters: { nodes: { reason: string }[] } }>(
      '{ deadLetters(first: 1) { nodes { reason } } }',
    );
    expect(why.deadLetters.nodes).toHaveLength(1);
    const { errors } = await operator.execute('{ deadLetters(first: 1) { nodes { fields { value } } } }');
    expect(errors.map(({ extensions }) => [extensions?.code, extensions?.field])).toEqual([
      ['FORBIDDEN', 'DeadLetter.fields'],
    ]);
  });

  it('are refused by name where the question is wrong', async () => {
    const ask = async (document: string, variables: Record<string, unknown>) =>
      refusalOf(await site.client.execute(document, variables));
    const refused = (field: string) => expect.objectContaining({ code: 'BAD_USER_INPUT', field });
    expect(await ask(REPLAY, { stream: STREAM, id: '+' })).toEqual(refused('id'));
    expect(await ask(REPLAY, { stream: 'sessions', id: '1-1' })).toEqual(refused('stream'));
    expect(await ask(LETTERS, { stream: 'aurora:*' })).toEqual(refused('stream'));
    expect(await ask(LETTERS, { after: 'nonsense' })).toEqual(refused('after'));
    expect(await ask(LETTERS, { first: 201 })).toEqual(refused('first'));
  });

  it('are listed by the command line, which names one that is not there', async () => {
    const run = (...args: string[]) => aurora(['dead-letters', ...args], { env: site.cliEnvironment });
    const { stdout } = await run('list', '--limit', '1', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ id: letters[0]?.id, code: 'HANDLER_FAILED' });
    expect((await run('list')).stdout).toContain(letters[1]?.id);
    expect(await run('replay', STREAM, '1-1')).toMatchObject({ code: 1, stderr: expect.stringContaining('1-1') });
  });

  it('are handled once more when they are replayed, with one effect, and are gone', async () => {
    const begin = (await follow(site.client, undefined, (items) => items.length === 1))[0]?.cursor;
    const ids = letters.map(({ id }) => id);
    const replay = (id: string) => site.client.query<ReplayAnswer>(REPLAY, { stream: STREAM, id });
    // By two people at once: one of them is told that there is no such letter any more.
    const answers = await Promise.all([replay(ids[0] ?? ''), replay(ids[0] ?? '')]);
    expect(answers.map(({ replayDeadLetter }) => replayDeadLetter.__typename).sort()).toEqual([
      'DeadLetter',
      'DeadLetterNotFound',
    ]);
    const { stdout } = await aurora(['dead-letters', 'replay', STREAM, '--all'], { env: site.cliEnvironment });
    expect(stdout).toBe(`Replayed ${ids[1]}\n`);
    for (const host of ['WS-DEAD-01', 'WS-DEAD-02']) {
      const events = () =>
        site.client.query<{ events: { nodes: unknown[] } }>(
          'query ($query: String) { events(query: $query, first: 50) { nodes { id } } }',
          { query: `host.name:"${host}"` },
        );
      await eventually(events, ({ events: { nodes } }) => nodes.length === EVENTS);
    }
    expect(await lettersOf(site.client)).toEqual([]);

    const items = await follow(site.client, begin, (found) => found.length === 3);
    const told = items.filter(({ __typename }) => __typename === 'DeadLetterReplayed');
    expect(told.map(({ letterId }) => letterId).sort()).toEqual([...ids].sort());
    expect(told.map(({ version, actor }) => ({ version, kind: actor?.kind }))).toEqual([
      { version: 1, kind: 'user' },
      { version: 1, kind: 'user' },
    ]);
    const resumed = await follow(site.client, told[0]?.cursor, (found) => found.length === 2);
    expect(resumed[0]?.letterId).toBe(told[1]?.letterId);
  });

  it('tell of their replay to their own tenant alone', async () => {
    const items = await follow(site.stranger, undefined, (found) => found.length === 1);
    expect(items.map(({ __typename }) => __typename)).toEqual(['CaughtUp']);
  });
});
