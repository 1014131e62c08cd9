/** Alerts at the graph's door while events pour in, and when there is much of everything: nobody blocks or pays for others. */
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shadowCopiesDeleted, toNdjson } from '../support/events.js';
import { postEvents } from '../support/public-doors.js';
import { joinSite, type SharedSite } from '../support/shared-site.js';
import { eventually } from '../support/wait.js';

const HOSTS = Array.from({ length: 40 }, (_, n) => `WS-LOAD-${String(n).padStart(2, '0')}`);
const ROUNDS = 40;
const RULES = 300;

interface CountedAlert {
  readonly id: string;
  readonly count: number;
}

interface RulePage {
  readonly detectionRules: { readonly nodes: { id: string }[]; readonly pageInfo: { endCursor: string } };
}

let site: SharedSite;
let admin: Client;

beforeAll(async () => {
  site = await joinSite();
  admin = new Client({ connectionString: site.databaseUrl('alerts') });
  await admin.connect();
  await postEvents(site, toNdjson(HOSTS.map((host) => shadowCopiesDeleted(host))));
  await eventually(allAlerts, (alerts) => alerts.length === HOSTS.length);
});

afterAll(async () => {
  await admin?.end();
});

async function allAlerts(): Promise<readonly CountedAlert[]> {
  const answer = await site.client.query<{ alerts: { nodes: CountedAlert[] } }>(
    '{ alerts(first: 200) { nodes { id count } } }',
  );
  return answer.alerts.nodes;
}

/**
 * A server process keeps its counts for itself for up to 10 seconds, and tells them when it ends; the pool makes another.
 *
 * @returns how many were ended.
 */
async function endIdleBackends(): Promise<number> {
  const idle = `from pg_stat_activity where usename = 'alerts_svc' and state = 'idle'`;
  const { rows: ended } = await admin.query<{ pid: number }>(`select pid, pg_terminate_backend(pid, 5000) ${idle}`);
  return ended.length;
}

/** Row versions that queries of `table` have read, as far as server processes have told. */
async function rowsRead(table: string): Promise<number> {
  const { rows } = await admin.query<{ rows: string }>(
    `select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) as rows from pg_stat_user_tables where schemaname = 'alerts' and relname = $1`,
    [table],
  );
  return Number(rows[0]?.rows);
}

async function rowsReadBy(table: string, work: () => Promise<void>): Promise<number> {
  await endIdleBackends();
  const before = await rowsRead(table);
  await work();
  expect(await endIdleBackends()).toBeGreaterThan(0);
  return (await rowsRead(table)) - before;
}

describe('alerts', () => {
  it('count up and are changed by hand at once without a deadlock, and lose no match', async () => {
    const ids = (await allAlerts()).map((alert) => alert.id);
    let isPosting = true;
    const changeByHand = async (): Promise<void> => {
      for (let n = 0; isPosting; n++) {
        const severity = n % 2 === 0 ? 'LOW' : 'HIGH';
        await site.client.query(
          'mutation ($ids: [ID!]!, $input: UpdateAlertsInput!) { updateAlerts(ids: $ids, input: $input) { __typename } }',
          { ids, input: { severity } },
        );
      }
    };
    const post = async (): Promise<void> => {
      for (let round = 0; round < ROUNDS; round++)
        await postEvents(
          site,
          toNdjson([...HOSTS.slice(round), ...HOSTS.slice(0, round)].map((host) => shadowCopiesDeleted(host))),
        );
      await eventually(allAlerts, (alerts) => alerts.every((alert) => alert.count >= ROUNDS + 1), 50_000);
    };
    const hands = [changeByHand(), changeByHand()];
    await post().finally(() => {
      isPosting = false;
    });
    await Promise.all(hands);
    expect((await allAlerts()).map((alert) => alert.count)).toEqual(HOSTS.map(() => ROUNDS + 1));
    expect(await endIdleBackends()).toBeGreaterThan(0);
    const { rows } = await admin.query(
      'select deadlocks::int from pg_stat_database where datname = current_database()',
    );
    expect(rows).toEqual([{ deadlocks: 0 }]);
  });

  it('show a page of their events for the price of that page', async () => {
    await admin.query(
      `insert into alerts.alert_event (alert_id, event_id, tenant)
       select id, gen_random_uuid(), tenant from alerts.alert, generate_series(1, 900) where tenant = $1`,
      [site.tenant],
    );
    await admin.query('analyze alerts.alert_event');
    const read = await rowsReadBy('alert_event', async () => {
      await site.client.query('{ alerts(first: 40) { nodes { events(first: 5) { nodes { id } } } } }');
    });
    expect(read).toBeLessThanOrEqual(HOSTS.length * 6);
  });
});

describe('detection rules', () => {
  it('are read a page at a time, whichever of them the page holds', async () => {
    const ruleOf = (n: number): string => `title: Rule ${n}
id: 0a7e5c1e-0000-4000-8000-${String(n).padStart(12, '0')}
logsource: { product: windows, category: process_creation }
detection: { sel: { Image|endswith: 'nothing-like-it.exe' }, condition: sel }
`;
    for (let from = 0; from < RULES; from += 100) {
      const documents = Array.from({ length: 100 }, (_, n) => ({ name: `${from + n}.yml`, text: ruleOf(from + n) }));
      await site.client.query(
        'mutation ($input: ImportDetectionRulesInput!) { importDetectionRules(input: $input) { __typename } }',
        { input: { documents } },
      );
    }
    await admin.query('analyze alerts.detection_rule');
    const pages: string[][] = [];
    const read = await rowsReadBy('detection_rule', async () => {
      for (let after: string | null = null, n = 0; n < 4; n++) {
        const { detectionRules }: RulePage = await site.client.query<RulePage>(
          'query ($after: String) { detectionRules(first: 20, after: $after) { nodes { id } pageInfo { endCursor } } }',
          {
            after,
          },
        );
        pages.push(detectionRules.nodes.map((rule) => rule.id));
        after = detectionRules.pageInfo.endCursor;
      }
    });
    expect(new Set(pages.flat()).size).toBe(80);
    expect(pages.flat()).toEqual([...pages.flat()].sort());
    expect(read).toBeLessThanOrEqual(4 * 21);
  });
});
