/** Playbooks at the graph's door: saved, refused, activated, followed; and nobody else's business. */
import { createHash } from 'node:crypto';
import { createClient, type GraphClient } from '@aurorasoc/cli/client';
import { beforeAll, describe, expect, it } from 'vitest';
import { createSecondIdentity } from '../support/public-doors.js';
import { joinSite, type SharedSite } from '../support/shared-site.js';

const SAVE = `mutation ($input: SavePlaybookInput!) { savePlaybook(input: $input) {
  __typename
  ... on Playbook { id version savedVersion activeVersion name documentId document versions { version sha256 steps isRevoked savedAt savedBy { kind id } warnings { severity code pointer } } }
  ... on PlaybookInvalid { problems { severity code pointer message } }
  ... on StaleVersion { id currentVersion }
} }`;
const ACTIVATE = `mutation ($id: ID!, $version: Int!) { activatePlaybook(id: $id, version: $version) {
  __typename
  ... on Playbook { id version savedVersion activeVersion }
  ... on PlaybookNotFound { id }
  ... on PlaybookVersionNotFound { savedVersion }
  ... on PlaybookRevoked { version }
} }`;
const CHANGED = `subscription ($after: Cursor) { playbookChanged(after: $after) {
  __typename
  ... on PlaybookChange { cursor version kind playbookId savedVersion activeVersion actor { kind } playbook { id name } }
  ... on CaughtUp { cursor }
  ... on ResyncRequired { since reason }
} }`;

interface Saved {
  readonly __typename: string;
  readonly id: string;
  readonly version: number;
  readonly name: string;
  readonly versions: readonly { readonly version: number; readonly sha256: string }[];
  readonly document: string;
}

interface Item {
  readonly __typename: string;
  readonly cursor: string;
  readonly kind: string;
  readonly version: number;
  readonly playbookId: string;
}

const idOf = (type: string, n: number): string => `${type}--00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

/** @param n - which playbook. */
function documentOf(n: number, name: string, changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    type: 'playbook',
    spec_version: 'cacao-2.0',
    id: idOf('playbook', n),
    name,
    created_by: idOf('identity', 1),
    created: '2026-01-01T08:00:00.000Z',
    modified: '2026-01-01T08:00:00.000Z',
    agent_definitions: { [idOf('individual', 1)]: { type: 'individual', name: 'Analyst on call' } },
    workflow_start: idOf('start', 1),
    workflow: {
      [idOf('start', 1)]: { type: 'start', on_completion: idOf('action', 1) },
      [idOf('action', 1)]: {
        type: 'action',
        commands: [{ type: 'manual', command: 'Call the owner of the host' }],
        agent: idOf('individual', 1),
        on_completion: idOf('end', 1),
      },
      [idOf('end', 1)]: { type: 'end' },
    },
    ...changes,
  };
}

let site: SharedSite;

beforeAll(async () => {
  site = await joinSite();
});

async function save(document: unknown, expectedVersion?: number | null): Promise<Saved> {
  const input = { document: typeof document === 'string' ? document : JSON.stringify(document), expectedVersion };
  return (await site.client.query<{ savePlaybook: Saved }>(SAVE, { input })).savePlaybook;
}

async function activate(id: string, version: number): Promise<unknown> {
  const answer = await site.client.query<{ activatePlaybook: unknown }>(ACTIVATE, { id, version });
  return answer.activatePlaybook;
}

/** The items that come until the live field has caught up. */
async function changesAfter(client: GraphClient, after: string | undefined): Promise<Item[]> {
  const items: Item[] = [];
  const leave = new AbortController();
  await client.follow<Item>(
    CHANGED,
    { after },
    {
      signal: leave.signal,
      onItem: (item) => {
        items.push(item);
        if (item.__typename === 'CaughtUp') leave.abort();
      },
    },
  );
  return items;
}

describe('savePlaybook', () => {
  it('keeps the canonical bytes of each version under their hash', async () => {
    const first = await save(documentOf(1, 'Isolate a host'), 0);
    expect(first).toMatchObject({ __typename: 'Playbook', version: 1, savedVersion: 1, activeVersion: null });
    const second = await save(documentOf(1, 'Isolate a host, at once', { x_own: 'ü 😀' }), 1);
    expect(second).toMatchObject({ id: first.id, version: 2, name: 'Isolate a host, at once' });
    const common = { steps: 3, isRevoked: false, savedBy: { kind: 'user' }, savedAt: expect.stringMatching(/Z$/) };
    const warnings = [{ severity: 'WARNING', code: 'UNKNOWN_PROPERTY', pointer: '/x_own' }];
    expect(second.versions).toMatchObject([
      { version: 2, ...common, warnings },
      { version: 1, ...common, warnings: [] },
    ]);
    for (const saved of [first, second])
      expect(createHash('sha256').update(saved.document).digest('hex')).toBe(saved.versions[0]?.sha256);
    expect(JSON.parse(second.document)).toEqual(documentOf(1, 'Isolate a host, at once', { x_own: 'ü 😀' }));
  });

  it('makes no version of the same document, however it is written', async () => {
    const document = documentOf(2, 'Twice');
    const first = await save(document);
    const reordered = JSON.stringify(Object.fromEntries(Object.entries(document).reverse()), null, 2);
    expect(await save(reordered)).toEqual(first);
  });

  it('refuses a document with errors, with their places, and saves nothing', async () => {
    const document = documentOf(3, 'Broken', { spec_version: 'cacao-9.9', workflow_start: idOf('start', 404) });
    expect(await save(document)).toEqual({
      __typename: 'PlaybookInvalid',
      problems: expect.arrayContaining([
        { severity: 'ERROR', code: 'UNKNOWN_VALUE', pointer: '/spec_version', message: expect.any(String) },
        { severity: 'ERROR', code: 'DANGLING_STEP', pointer: '/workflow_start', message: expect.any(String) },
      ]),
    });
    expect(await save('{"type":')).toMatchObject({ problems: [{ code: 'NOT_JSON', pointer: '' }] });
    const { playbooks } = await site.client.query<{ playbooks: { nodes: { name: string }[] } }>(
      '{ playbooks { nodes { name } } }',
    );
    expect(playbooks.nodes.map(({ name }) => name)).not.toContain('Broken');
  });

  it('refuses to write over a version that its caller has not seen', async () => {
    const first = await save(documentOf(4, 'Seen'));
    await save(documentOf(4, 'Seen again'));
    expect(await save(documentOf(4, 'Unseen'), first.version)).toEqual({
      __typename: 'StaleVersion',
      id: first.id,
      currentVersion: 2,
    });
    const { errors } = await site.client.execute(SAVE, {
      input: { document: JSON.stringify(documentOf(404, 'Nobody has it')), expectedVersion: 3 },
    });
    expect(errors[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.expectedVersion' });
  });

  it('counts the versions of one playbook without a gap or a repeat, however many save it at once', async () => {
    const WRITERS = 8;
    await Promise.all(Array.from({ length: WRITERS }, (_, n) => save(documentOf(5, `Writer ${n}`))));
    const { versions } = await save(documentOf(5, 'Last'));
    expect(versions.map(({ version }) => version)).toEqual(
      Array.from({ length: WRITERS + 1 }, (_, n) => WRITERS + 1 - n),
    );
  });
});

it('validatePlaybook judges and saves nothing', async () => {
  const VALIDATE =
    'mutation ($d: String!) { validatePlaybook(document: $d) { isValid name steps problems { severity code } } }';
  const judge = async (document: object) =>
    (await site.client.query<{ validatePlaybook: unknown }>(VALIDATE, { d: JSON.stringify(document) }))
      .validatePlaybook;
  expect(await judge(documentOf(6, 'Sound', { x: 1 }))).toEqual({
    isValid: true,
    name: 'Sound',
    steps: 3,
    problems: [{ severity: 'WARNING', code: 'UNKNOWN_PROPERTY' }],
  });
  expect(await judge(documentOf(6, 'Empty', { workflow: {} }))).toMatchObject({ isValid: false, name: null });
});

describe('activatePlaybook', () => {
  it('puts any saved document in force, and nothing else', async () => {
    const { id } = await save(documentOf(7, 'One'));
    await save(documentOf(7, 'Two'));
    expect(await activate(id, 2)).toEqual({
      __typename: 'Playbook',
      id,
      version: 3,
      savedVersion: 2,
      activeVersion: 2,
    });
    expect(await activate(id, 2)).toMatchObject({ version: 3 });
    expect(await activate(id, 1)).toMatchObject({ version: 4, savedVersion: 2, activeVersion: 1 });
    expect(await activate(id, 3)).toEqual({ __typename: 'PlaybookVersionNotFound', savedVersion: 2 });
    const revoked = await save(documentOf(7, 'Three', { revoked: true }));
    expect(revoked).toMatchObject({ version: 5, activeVersion: null });
    for (const version of [revoked.version, 1])
      expect(await activate(id, version)).toEqual({ __typename: 'PlaybookRevoked', version });
    await save(documentOf(7, 'Four'));
    expect(await activate(id, 1)).toMatchObject({ version: 7, savedVersion: 6, activeVersion: 1 });
    const nobody = '00000000-0000-7000-8000-000000000000';
    expect(await activate(nobody, 1)).toEqual({ __typename: 'PlaybookNotFound', id: nobody });
  });
});

describe('playbookChanged', () => {
  it('resumes behind a cursor with every change, once and in order', async () => {
    const [caughtUp] = await changesAfter(site.client, undefined);
    const { id } = await save(documentOf(8, 'Followed'));
    await activate(id, 1);
    await save(documentOf(8, 'Followed on'));
    const items = await changesAfter(site.client, caughtUp?.cursor);
    expect(items.slice(0, -1)).toMatchObject([
      { kind: 'SAVED', version: 1, playbookId: id, savedVersion: 1, activeVersion: null, actor: { kind: 'user' } },
      { kind: 'ACTIVATED', version: 2, playbookId: id, savedVersion: 1, activeVersion: 1 },
      { kind: 'SAVED', version: 3, playbookId: id, savedVersion: 3, playbook: { id, name: 'Followed on' } },
    ]);
    expect(items.at(-1)).toMatchObject({ __typename: 'CaughtUp' });
    const rest = await changesAfter(site.client, items[1]?.cursor);
    expect(rest.map(({ kind }) => kind)).toEqual(['SAVED', undefined]);
  });
});

describe('others', () => {
  it('of another tenant see no playbook, and save one of their own under the same CACAO id', async () => {
    const [before] = await changesAfter(site.client, undefined);
    const { id } = await save(documentOf(9, 'Ours'));
    const foreign = site.stranger;
    const seen = await foreign.query<{ playbook: unknown; playbooks: { nodes: unknown[] } }>(
      'query ($id: ID!) { playbook(id: $id) { id } playbooks { nodes { id } } }',
      { id },
    );
    expect(seen).toEqual({ playbook: null, playbooks: { nodes: [] } });
    expect((await changesAfter(foreign, before?.cursor)).map(({ __typename }) => __typename)).toEqual(['CaughtUp']);
    expect((await foreign.query<{ activatePlaybook: unknown }>(ACTIVATE, { id, version: 1 })).activatePlaybook).toEqual(
      {
        __typename: 'PlaybookNotFound',
        id,
      },
    );
    const input = { document: JSON.stringify(documentOf(9, 'Theirs')), expectedVersion: 0 };
    const { savePlaybook: theirs } = await foreign.query<{ savePlaybook: Saved }>(SAVE, { input });
    expect(theirs).toMatchObject({ __typename: 'Playbook', version: 1, name: 'Theirs' });
    expect(theirs.id).not.toBe(id);
    expect(await save(documentOf(9, 'Ours'), 1)).toMatchObject({ id, version: 1, name: 'Ours' });
  });

  it('without the right to write may read and judge alone', async () => {
    const analyst = createClient({ url: site.urls.gateway, token: await createSecondIdentity(site, 'analyst') });
    const { id } = await save(documentOf(10, 'Read'));
    expect(await analyst.query('query ($id: ID!) { playbook(id: $id) { name } }', { id })).toEqual({
      playbook: { name: 'Read' },
    });
    for (const [document, variables] of [
      [SAVE, { input: { document: '{}' } }],
      [ACTIVATE, { id, version: 1 }],
    ] as const)
      expect((await analyst.execute(document, variables)).errors[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' });
  });
});
