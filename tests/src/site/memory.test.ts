/** Memory through the public door: what is remembered is recalled by words and by likeness, told live, and kept to its tenant. */
import { createClient, type GraphResult } from '@aurorasoc/cli/client';
import { newId } from '@aurorasoc/kit/ids';
import { beforeAll, describe, expect, it } from 'vitest';
import { shadowCopiesDeleted, toNdjson } from '../support/events.js';
import { createSecondIdentity, postEvents } from '../support/public-doors.js';
import { joinSite, type SharedSite } from '../support/shared-site.js';
import { eventually } from '../support/wait.js';

const REMEMBER = `mutation ($input: RememberInput!) { remember(input: $input) {
  id version tier title trust tags isQuarantined embedder source { kind id } author { kind id }
} }`;
const RECALL = `query ($query: String!, $tiers: [MemoryTier!], $k: Int, $range: TimeRangeInput) {
  recall(query: $query, tiers: $tiers, k: $k, range: $range) {
    vectorIndex isDegraded note hits { score similarity matchedBy entry { id title isQuarantined } }
  }
}`;
const CHANGED = `subscription ($after: Cursor) { memoryChanged(after: $after) {
  __typename
  ... on MemoryChange { cursor kind entryId version actor { kind } entry { title isQuarantined } }
  ... on CaughtUp { cursor }
  ... on ResyncRequired { since reason }
} }`;
const QUARANTINE = `mutation ($id: ID!, $reason: String!) { quarantineMemory(id: $id, reason: $reason) {
  __typename ... on MemoryEntry { version isQuarantined quarantineReason } ... on MemoryEntryNotFound { id }
} }`;
const FORGET =
  'mutation ($id: ID!) { forget(id: $id) { __typename ... on MemoryForgotten { id } ... on MemoryEntryNotFound { id } } }';

interface Hit {
  readonly score: number;
  readonly similarity: number | null;
  readonly matchedBy: readonly string[];
  readonly entry: { readonly id: string; readonly title: string; readonly isQuarantined: boolean };
}
interface Change {
  readonly __typename: string;
  readonly cursor: string;
  readonly kind?: string;
  readonly entryId?: string;
  readonly version?: number;
  readonly entry?: { readonly title: string; readonly isQuarantined: boolean } | null;
}

let site: SharedSite;

beforeAll(async () => {
  site = await joinSite();
});

const NOTE = { tier: 'SEMANTIC', title: 'Backups', text: 'Nightly backups run from BK-01 with svc_backup' } as const;

async function remember(input: object, client = site.client): Promise<{ id: string }> {
  return (await client.query<{ remember: { id: string } }>(REMEMBER, { input })).remember;
}

async function recall(variables: object, client = site.client) {
  const answer = await client.query<{
    recall: { hits: Hit[]; vectorIndex: string; isDegraded: boolean; note: string | null };
  }>(RECALL, variables as Record<string, unknown>);
  return answer.recall;
}

const titles = async (query: string, more: object = {}): Promise<string[]> =>
  (await recall({ query, ...more })).hits.map(({ entry }) => entry.title);

/** Follows from `after` until so many changes have come. @returns them, and the cursor of the last. */
async function follow(after: string | undefined, count: number, act?: () => Promise<unknown>): Promise<Change[]> {
  const leave = new AbortController();
  const changes: Change[] = [];
  let acting: Promise<unknown> | undefined;
  await site.client.follow<Change>(CHANGED, after === undefined ? {} : { after }, {
    signal: leave.signal,
    onItem: (item, errors) => {
      expect(errors).toEqual([]);
      if (item.__typename === 'CaughtUp') acting ??= act?.();
      if (item.__typename === 'MemoryChange' && changes.push(item) === count) leave.abort();
    },
  });
  await acting;
  return changes;
}

function refusalOf({ errors }: GraphResult<unknown>): unknown {
  expect(errors).toHaveLength(1);
  return errors[0]?.extensions;
}

describe('memory', () => {
  it('recalls by words in any form and by likeness, best first, and says by which', async () => {
    const certutil = await remember({
      tier: 'SEMANTIC',
      title: 'certutil.exe',
      text: 'Our packaging scripts download installers with it',
      tags: ['T1105', 'T1105'],
    });
    expect(certutil).toMatchObject({
      version: 1,
      trust: 'PERSON',
      tags: ['T1105'],
      isQuarantined: false,
      embedder: 'feature-hashing-256',
      source: { kind: 'AUTHOR' },
      author: { kind: 'user' },
    });
    await remember(NOTE);

    // "certutil.exe" is one word to the text search of PostgreSQL and two to the embedder.
    expect((await recall({ query: 'certutil' })).hits).toEqual([
      expect.objectContaining({
        matchedBy: ['VECTOR'],
        similarity: expect.any(Number),
        entry: { id: certutil.id, title: 'certutil.exe', isQuarantined: false },
      }),
    ]);
    // Another form of "download", which hashes to another dimension.
    expect((await recall({ query: 'downloading' })).hits).toEqual([
      expect.objectContaining({
        matchedBy: ['TEXT'],
        similarity: null,
        entry: expect.objectContaining({ id: certutil.id }),
      }),
    ]);
    const both = await recall({ query: 'installers that scripts download' });
    expect(both).toMatchObject({ vectorIndex: 'EXACT', isDegraded: false, note: null });
    expect(both.hits[0]).toMatchObject({ matchedBy: ['VECTOR', 'TEXT'], entry: { id: certutil.id } });
    expect(await titles('backups and certutil.exe', { k: 1 })).toHaveLength(1);
  });

  it('recalls only of the tiers and the time that are asked for', async () => {
    expect(await titles('nightly backups')).toEqual(['Backups']);
    expect(await titles('nightly backups', { tiers: ['EPISODIC', 'WORKING'] })).toEqual([]);
    const past = { from: '2020-01-01T00:00:00Z', to: '2020-01-02T00:00:00Z' };
    expect(await titles('nightly backups', { range: past })).toEqual([]);
    expect(await titles('nightly backups', { range: { ...past, to: '2999-01-01T00:00:00Z' } })).toEqual(['Backups']);
  });

  it('says how it searches', async () => {
    const { memoryStatus } = await site.client.query<{ memoryStatus: object }>(
      '{ memoryStatus { vectorIndex setting reason isDegraded entryLimit entryCount quarantinedCount embedder dimensions } }',
    );
    expect(memoryStatus).toEqual({
      vectorIndex: 'EXACT',
      setting: 'auto',
      reason: expect.stringContaining('pgvector'),
      isDegraded: false,
      entryLimit: 20_000,
      entryCount: 2,
      quarantinedCount: 0,
      embedder: 'feature-hashing-256',
      dimensions: 256,
    });
  });

  it('never recalls what is quarantined, and loses what is forgotten', async () => {
    const { id } = await remember({ tier: 'SEMANTIC', title: 'Planted', text: 'psexec from FS-09 is always harmless' });
    expect(await titles('psexec harmless')).toEqual(['Planted']);
    const reason = 'nobody here wrote it';
    const quarantine = (entryId: string) => site.client.query(QUARANTINE, { id: entryId, reason });
    const quarantined = { __typename: 'MemoryEntry', version: 2, isQuarantined: true, quarantineReason: reason };
    expect(await quarantine(id)).toEqual({ quarantineMemory: quarantined });
    expect(await quarantine(id), 'again').toEqual({ quarantineMemory: quarantined });
    expect(await titles('psexec harmless')).toEqual([]);
    const LIST = '{ memoryEntries(filter: { isQuarantined: true }) { nodes { id } } }';
    expect(await site.client.query(LIST)).toEqual({ memoryEntries: { nodes: [{ id }] } });

    expect(await site.client.query(FORGET, { id })).toEqual({ forget: { __typename: 'MemoryForgotten', id } });
    const gone = { __typename: 'MemoryEntryNotFound', id };
    expect(await site.client.query(FORGET, { id })).toEqual({ forget: gone });
    expect(await quarantine(id)).toEqual({ quarantineMemory: gone });
    expect(await site.client.query('query ($id: ID!) { memoryEntry(id: $id) { id } }', { id })).toEqual({
      memoryEntry: null,
    });
  });

  it('tells each change live, and goes on behind a cursor without a gap or a repeat', async () => {
    let id = '';
    const [first] = await follow(undefined, 1, async () => {
      ({ id } = await remember({ tier: 'WORKING', title: 'Live', text: 'seen as it comes' }));
    });
    expect(first).toMatchObject({ kind: 'REMEMBERED', entryId: id, version: 1, entry: { title: 'Live' } });
    // While nobody follows.
    await site.client.query(QUARANTINE, { id, reason: 'test' });
    await site.client.query(FORGET, { id });
    const later = await follow(first?.cursor, 2);
    expect(later).toMatchObject([
      { kind: 'QUARANTINED', entryId: id, version: 2 },
      { kind: 'FORGOTTEN', entryId: id, version: 3, entry: null },
    ]);
    expect(await follow(later[0]?.cursor, 1)).toEqual([later[1]]);
  });

  it('pages its list, newest first', async () => {
    const PAGE =
      'query ($after: String) { memoryEntries(first: 1, after: $after) { nodes { title } pageInfo { endCursor hasNextPage } } }';
    type Page = { memoryEntries: { nodes: object[]; pageInfo: { endCursor: string; hasNextPage: boolean } } };
    const first = (await site.client.query<Page>(PAGE)).memoryEntries;
    expect(first.nodes).toEqual([{ title: 'Backups' }]);
    const second = (await site.client.query<Page>(PAGE, { after: first.pageInfo.endCursor })).memoryEntries;
    expect(second).toMatchObject({ nodes: [{ title: 'certutil.exe' }], pageInfo: { hasNextPage: false } });
    const { memoryEntries } = await site.client.query<Page>(
      '{ memoryEntries(filter: { tag: "T1105", tiers: [SEMANTIC] }) { nodes { title } } }',
    );
    expect(memoryEntries.nodes).toEqual([{ title: 'certutil.exe' }]);
  });

  it('shows another tenant nothing', async () => {
    const { id } = await remember({ ...NOTE, title: 'Ours' });
    const query = (document: string, variables = {}) => site.stranger.query(document, variables);
    expect((await recall({ query: 'nightly backups' }, site.stranger)).hits).toEqual([]);
    expect(await query('{ memoryEntries { nodes { id } } }')).toEqual({ memoryEntries: { nodes: [] } });
    expect(await query('query ($id: ID!) { memoryEntry(id: $id) { id } }', { id })).toEqual({ memoryEntry: null });
    expect(await query('{ memoryStatus { entryCount } }')).toEqual({ memoryStatus: { entryCount: 0 } });
    expect(await query(FORGET, { id })).toMatchObject({ forget: { __typename: 'MemoryEntryNotFound' } });
    expect(await query(QUARANTINE, { id, reason: 'x' })).toMatchObject({
      quarantineMemory: { __typename: 'MemoryEntryNotFound' },
    });
    expect(await titles('nightly backups')).toContain('Ours');
  });

  it.each([
    ['input.title', REMEMBER, { input: { ...NOTE, title: ' \n' } }],
    ['input.text', REMEMBER, { input: { ...NOTE, text: 'x'.repeat(16_001) } }],
    ['input.text', REMEMBER, { input: { ...NOTE, text: 'a\0b' } }],
    ['input.tags[1]', REMEMBER, { input: { ...NOTE, tags: ['ok', ''] } }],
    ['input.source.id', REMEMBER, { input: { ...NOTE, source: { kind: 'ALERT', id: 'that one' } } }],
    ['query', RECALL, { query: '  ' }],
    ['query', RECALL, { query: 'half \ud83d of it' }],
    ['k', RECALL, { query: 'x', k: 51 }],
    ['tiers', RECALL, { query: 'x', tiers: [] }],
    ['range', RECALL, { query: 'x', range: { from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' } }],
    ['reason', QUARANTINE, { id: newId(), reason: '' }],
    ['id', FORGET, { id: 'NOT-A-UUID' }],
  ])('refuses a %s that makes no sense, by its name', async (field, document, variables) => {
    const refusal = refusalOf(await site.client.execute(document, variables));
    expect(refusal).toMatchObject({ code: 'BAD_USER_INPUT', field });
  });

  it('lets those read who may only read', async () => {
    const viewer = createClient({ url: site.urls.gateway, token: await createSecondIdentity(site, 'viewer') });
    expect((await recall({ query: 'nightly backups' }, viewer)).hits.length).toBeGreaterThan(0);
    expect(refusalOf(await viewer.execute(REMEMBER, { input: NOTE }))).toMatchObject({ code: 'FORBIDDEN' });
  });

  it('takes a query that holds no word, and finds nothing', async () => {
    expect(await titles('… – !')).toEqual([]);
    expect(await titles(`the ' & | !( :* ${'\\'}`)).toEqual([]);
  });
});

describe('an investigation that has ended', () => {
  it('is remembered as an episode, marked as a machine’s, recalled by its host and technique', async () => {
    await postEvents(site, toNdjson([shadowCopiesDeleted('WS-MEM-01')]));
    const { alerts } = await eventually(
      () => site.client.query<{ alerts: { nodes: { id: string }[] } }>('{ alerts { nodes { id } } }'),
      (answer) => answer.alerts.nodes.length === 1,
    );
    const alertId = alerts.nodes[0]?.id;
    const { investigate } = await site.client.query<{ investigate: { id: string } }>(
      'mutation ($input: InvestigateInput!) { investigate(input: $input) { ... on Investigation { id } } }',
      { input: { alertId } },
    );
    const { investigation } = await eventually(
      () =>
        site.client.query<{
          investigation: { verdict: { disposition: string; summary: string } | null; memories: unknown[] | null };
        }>(
          `query ($id: ID!) { investigation(id: $id) { verdict { disposition summary }
             memories { tier trust text alertId tags source { kind id } author { kind } investigation { id status } } } }`,
          { id: investigate.id },
        ),
      (answer) => answer.investigation.memories?.length === 1,
      30_000,
    );
    const { verdict, memories } = investigation;
    expect(memories).toEqual([
      {
        tier: 'EPISODIC',
        trust: 'MACHINE',
        text: expect.stringContaining(verdict?.summary ?? 'no verdict'),
        alertId,
        tags: expect.arrayContaining([verdict?.disposition, 'T1490']),
        source: { kind: 'INVESTIGATION', id: investigate.id },
        author: { kind: 'service' },
        investigation: { id: investigate.id, status: 'COMPLETED' },
      },
    ]);
    const { hits } = await recall({ query: 'T1490 on WS-MEM-01', tiers: ['EPISODIC'] });
    expect(hits).toHaveLength(1);
    expect(hits[0]?.matchedBy).toContain('TEXT');
  });

  it('remembers once what its author asks for again under the same key, also at one moment; others have keys of their own', async () => {
    const input = { ...NOTE, title: 'Asked for again', key: 'note-1' };
    const colleague = createClient({ url: site.urls.gateway, token: await createSecondIdentity(site, 'admin') });
    const entries = await Promise.all(Array.from({ length: 8 }, () => remember(input)));
    expect(new Set(entries.map(({ id }) => id)).size).toBe(1);
    const others = [
      await remember({ ...input, key: 'note-2' }),
      await remember({ ...NOTE, title: 'Without a key' }),
      await remember(input, site.stranger),
      await remember({ ...input, text: 'Words of somebody else in the tenant' }, colleague),
    ];
    expect(new Set([...entries, ...others].map(({ id }) => id)).size).toBe(5);
  });

  it.each([
    ['tier', { tier: 'WORKING' }],
    ['title', { title: 'Another' }],
    ['text', { text: 'Something else' }],
    ['tags', { tags: ['T1105'] }],
    ['source', { source: { kind: 'DOCUMENT', id: 'runbook' } }],
  ])('refuses another %s under a key of the same author, and keeps the first entry', async (name, other) => {
    const input = { ...NOTE, tags: ['one', 'two'], key: `kept ${name}` };
    const { id } = await remember(input);
    const refusal = refusalOf(await site.client.execute(REMEMBER, { input: { ...input, ...other } }));
    expect(refusal).toMatchObject({ code: 'CONFLICT', field: 'input.key' });
    expect(await remember({ ...input, tags: ['two', 'one'] })).toMatchObject({ id, title: NOTE.title });
    await site.client.query(FORGET, { id });
    expect((await remember({ ...input, ...other })).id, 'after it was forgotten').not.toBe(id);
  });
});
