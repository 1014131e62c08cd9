/** Alerts, events and rules at the graph's door: pages that belong together, changes by hand, rules that are brought in. */
import type { GraphResult } from '@aurorasoc/cli/client';
import { Client } from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { shadowCopiesDeleted, toNdjson } from '../support/events.js';
import { postEvents } from '../support/public-doors.js';
import { joinSite, type SharedSite } from '../support/shared-site.js';
import { eventually } from '../support/wait.js';

const HOSTS = ['WS-GRAPH-01', 'WS-GRAPH-02', 'WS-GRAPH-03'];
const EVENTS_PER_HOST = 2;

interface Page {
  readonly nodes: readonly { readonly id: string }[];
  readonly pageInfo: { readonly endCursor: string | null; readonly hasNextPage: boolean };
}

const PAGE = 'nodes { id } pageInfo { endCursor hasNextPage }';
/** Every list of the graph, by the document that reads one item of it behind `$after`. */
const LISTS = {
  'alerts, newest first': `query ($after: String) { page: alerts(first: 1, after: $after, orderBy: NEWEST) { ${PAGE} } }`,
  'alerts, last seen first': `query ($after: String) { page: alerts(first: 1, after: $after, orderBy: LAST_SEEN) { ${PAGE} } }`,
  events: `query ($after: String) { page: events(first: 1, after: $after) { ${PAGE} } }`,
  'detection rules': `query ($after: String) { page: detectionRules(first: 1, after: $after) { ${PAGE} } }`,
  investigations: `query ($after: String) { page: investigations(first: 1, after: $after) { ${PAGE} } }`,
} as const;
const EVENTS_OF_ALERT = `query ($id: ID!, $after: String) { alert(id: $id) { page: events(first: 1, after: $after) { ${PAGE} } } }`;
const UPDATE = `mutation ($ids: [ID!]!, $input: UpdateAlertsInput!) { updateAlerts(ids: $ids, input: $input) {
  __typename ... on Alert { version assignee } ... on StaleVersion { currentVersion }
} }`;
const IMPORT = `mutation ($input: ImportDetectionRulesInput!) { importDetectionRules(input: $input) {
  __typename ... on ImportedRules { saved unchanged refused { name code message line } } ... on NoRuleAccepted { refused { name code message line } }
} }`;

let site: SharedSite;
let alertIds: readonly string[];

beforeAll(async () => {
  site = await joinSite();
  await postEvents(
    site,
    toNdjson(HOSTS.flatMap((host) => Array.from({ length: EVENTS_PER_HOST }, () => shadowCopiesDeleted(host)))),
  );
  const { alerts } = await eventually(
    () => site.client.query<{ alerts: Page }>('{ alerts { nodes { id } pageInfo { endCursor hasNextPage } } }'),
    (answer) => answer.alerts.nodes.length === HOSTS.length,
  );
  alertIds = alerts.nodes.map((alert) => alert.id);
  for (const alertId of alertIds.slice(0, 2))
    await site.client.query(
      'mutation ($input: InvestigateInput!) { investigate(input: $input) { ... on Investigation { id } } }',
      { input: { alertId } },
    );
});

function refusalOf({ errors }: GraphResult<unknown>): unknown {
  expect(errors).toHaveLength(1);
  return errors[0]?.extensions;
}

async function readPage(document: string, variables: Record<string, unknown> = {}): Promise<Page> {
  const answer = await site.client.query<{ page?: Page; alert?: { page: Page } }>(document, variables);
  const page = answer.page ?? answer.alert?.page;
  if (!page) throw new Error('the answer holds no page');
  return page;
}

describe('the cursor of a page', () => {
  it.each(Object.entries(LISTS))('leads on in its own list: %s', async (_name, document) => {
    const first = await readPage(document);
    expect(first.pageInfo.hasNextPage).toBe(true);
    const second = await readPage(document, { after: first.pageInfo.endCursor });
    expect(second.nodes).toHaveLength(1);
    expect(second.nodes).not.toEqual(first.nodes);
  });

  it.each(Object.keys(LISTS) as (keyof typeof LISTS)[])('of %s is refused by every other list', async (name) => {
    const after = (await readPage(LISTS[name])).pageInfo.endCursor;
    for (const [other, document] of Object.entries(LISTS)) {
      if (other === name) continue;
      const refusal = refusalOf(await site.client.execute(document, { after }));
      expect(refusal, other).toMatchObject({ code: 'BAD_USER_INPUT', field: 'after' });
    }
    const ofAlert = refusalOf(await site.client.execute(EVENTS_OF_ALERT, { id: alertIds[0], after }));
    expect(ofAlert).toMatchObject({ code: 'BAD_USER_INPUT', field: 'after' });
  });

  it("of one alert's events leads on in them, and is refused by another alert and by the list of all events", async () => {
    const [id, other] = alertIds;
    const first = await readPage(EVENTS_OF_ALERT, { id });
    const after = first.pageInfo.endCursor;
    const second = await readPage(EVENTS_OF_ALERT, { id, after });
    expect(new Set([...first.nodes, ...second.nodes].map((event) => event.id)).size).toBe(EVENTS_PER_HOST);
    for (const asking of [
      site.client.execute(EVENTS_OF_ALERT, { id: other, after }),
      site.client.execute(LISTS.events, { after }),
    ])
      expect(refusalOf(await asking)).toMatchObject({ code: 'BAD_USER_INPUT', field: 'after' });
  });

  it('that somebody made up is refused, whatever it says', async () => {
    for (const parts of [['alerts LAST_SEEN', 'yesterday', alertIds[0]], ['alerts LAST_SEEN'], [], {}]) {
      const after = Buffer.from(JSON.stringify(parts)).toString('base64url');
      const refusal = refusalOf(await site.client.execute(LISTS['alerts, last seen first'], { after }));
      expect(refusal).toMatchObject({ code: 'BAD_USER_INPUT', field: 'after' });
    }
  });
});

describe('a range of time', () => {
  const RANGE = 'query ($range: TimeRangeInput!) { events(first: 1, range: $range) { nodes { id } } }';

  it.each([
    ['range.from', '0000-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z'],
    ['range.from', '0001-01-01T00:00:00+01:00', '9999-12-31T23:59:59.999Z'],
    ['range.to', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59-01:00'],
  ])('is refused for a %s that cannot be stored', async (field, from, to) => {
    const refusal = refusalOf(await site.client.execute(RANGE, { range: { from, to } }));
    expect(refusal).toMatchObject({ code: 'BAD_USER_INPUT', field });
  });

  it('reaches from the first moment to the last', async () => {
    const range = { from: '0001-01-01T00:00:00Z', to: '9999-12-31T23:59:59.999Z' };
    const { events } = await site.client.query<{ events: Page }>(RANGE, { range });
    expect(events.nodes).toHaveLength(1);
  });
});

describe('updateAlerts', () => {
  const update = async (ids: readonly string[], input: object) =>
    (await site.client.query<{ updateAlerts: unknown[] }>(UPDATE, { ids, input })).updateAlerts;

  it('takes null for a version that is left out, also with several ids', async () => {
    const updated = await update(alertIds, { assignee: 'ann', expectedVersion: null });
    expect(updated).toEqual(
      alertIds.map(() => ({ __typename: 'Alert', version: expect.any(Number), assignee: 'ann' })),
    );
    const [first] = updated as [{ version: number }];
    const single = alertIds.slice(0, 1);
    expect(await update(single, { assignee: 'bob', expectedVersion: first.version - 1 })).toEqual([
      { __typename: 'StaleVersion', currentVersion: first.version },
    ]);
    expect(await update(single, { assignee: null, expectedVersion: null })).toEqual([
      { __typename: 'Alert', version: first.version + 1, assignee: null },
    ]);
  });

  it.each(['', ' ', '\t\u00a0\n'])('refuses the assignee %j, which is nobody', async (assignee) => {
    const refusal = refusalOf(await site.client.execute(UPDATE, { ids: alertIds, input: { assignee } }));
    expect(refusal).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.assignee' });
  });
});

describe('importDetectionRules', () => {
  const ruleOf = (n: number, title: string, description = 'none'): string => `title: ${title}
id: 0a7e5c1e-0000-4000-8000-${String(n).padStart(12, '0')}
description: ${description}
logsource: { product: windows, category: process_creation }
detection: { sel: { Image|endswith: 'nothing-like-it.exe' }, condition: sel }
`;
  const load = (documents: readonly { name: string; text: string }[]) =>
    site.client.query<{ importDetectionRules: { __typename: string } }>(IMPORT, { input: { documents } });

  it('refuses each document that cannot be stored, by name and line, and saves the others', async () => {
    const refused = (name: string, line: number, what: string) => ({
      name,
      code: 'UNSTORABLE_TEXT',
      message: expect.stringContaining(what),
      line,
    });
    const { importDetectionRules } = await load([
      { name: 'sound.yml', text: ruleOf(1, 'Sound 😀') },
      { name: 'nul.yml', text: `${ruleOf(2, 'Sound')}# \0` },
      { name: 'half.yml', text: ruleOf(3, 'Sound', 'a \ud83d b') },
      { name: 'escaped-title.yml', text: ruleOf(4, '"a\\0b"') },
      { name: 'escaped-description.yml', text: ruleOf(5, 'Sound', '"a\\0b"') },
      { name: 'escaped-author.yml', text: `${ruleOf(7, 'Sound')}author: "a\\0b"\n` },
      { name: 'escaped-tag.yml', text: `${ruleOf(8, 'Sound')}tags: ["a\\0b"]\n` },
      { name: 'escaped-false-positive.yml', text: `${ruleOf(9, 'Sound')}falsepositives: ["a\\0b"]\n` },
      { name: 'sound-too.yml', text: ruleOf(6, 'Sound') },
    ]);
    expect(importDetectionRules).toEqual({
      __typename: 'ImportedRules',
      saved: 2,
      unchanged: 0,
      refused: [
        refused('nul.yml', 6, 'The document'),
        refused('half.yml', 3, 'The document'),
        refused('escaped-title.yml', 1, 'The title'),
        refused('escaped-description.yml', 1, 'The description'),
        refused('escaped-author.yml', 1, 'The author'),
        refused('escaped-tag.yml', 1, 'The tags'),
        refused('escaped-false-positive.yml', 1, 'The falsepositives'),
      ],
    });
  });

  it('says of each document that makes no rule why: empty, the same id again, hostile; others are answered meanwhile', async () => {
    const hostile = Array.from({ length: 40 }, (_, n) => ({ name: `${n}`, text: `x: ${'{a: '.repeat(1_400)}` }));
    const loading = load([
      { name: 'empty.yml', text: '# nothing' },
      { name: 'first.yml', text: ruleOf(20, 'First') },
      { name: 'again.yml', text: ruleOf(20, 'Again') },
      ...hostile,
    ]);
    const waits: number[] = [];
    let isOver = false;
    const over = loading.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      const began = performance.now();
      await site.stranger.query('{ alerts(first: 1) { nodes { id } } }');
      waits.push(performance.now() - began);
    }
    const { importDetectionRules } = await over;
    expect(importDetectionRules).toMatchObject({
      saved: 1,
      refused: expect.arrayContaining([
        expect.objectContaining({ name: 'empty.yml', code: 'NO_RULE' }),
        expect.objectContaining({ name: 'again.yml', code: 'DUPLICATE_ID' }),
        expect.objectContaining({ name: '39', code: 'TOO_COMPLEX' }),
      ]),
    });
    expect(Math.max(...waits)).toBeLessThan(2_000);
    const named = await site.client.execute(IMPORT, {
      input: { documents: [{ name: 'n'.repeat(501), text: ruleOf(21, 'Named') }] },
    });
    expect(refusalOf(named)).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.documents[0].name' });
  });

  it('counts the versions of one rule without a gap or a repeat, however many save it at once', async () => {
    const WRITERS = 12;
    const outcomes = await Promise.all(
      Array.from({ length: WRITERS }, (_, n) => load([{ name: `writer-${n}.yml`, text: ruleOf(7, `Writer ${n}`) }])),
    );
    for (const { importDetectionRules } of outcomes)
      expect(importDetectionRules).toMatchObject({ __typename: 'ImportedRules', saved: 1, refused: [] });
    const { detectionRule } = await site.client.query<{ detectionRule: { version: number } }>(
      'query ($id: ID!) { detectionRule(id: $id) { version } }',
      { id: '0a7e5c1e-0000-4000-8000-000000000007' },
    );
    expect(detectionRule.version).toBe(WRITERS);
    expect(await savedVersions('0a7e5c1e-0000-4000-8000-000000000007')).toEqual(
      Array.from({ length: WRITERS }, (_, n) => n + 1),
    );
  });

  /** As the domain's events tell it; the graph shows the last version only. */
  async function savedVersions(ruleId: string): Promise<number[]> {
    const admin = new Client({ connectionString: site.databaseUrl('alerts') });
    await admin.connect();
    try {
      const { rows } = await admin.query<{ version: number }>(
        `select version from alerts.event where type = 'detection_rule.saved' and subject like '%/' || $1 and tenant = $2 order by version`,
        [ruleId, site.tenant],
      );
      return rows.map((row) => row.version);
    } finally {
      await admin.end();
    }
  }
});
