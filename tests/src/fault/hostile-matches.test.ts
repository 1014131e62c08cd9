/** Rules of a tenant that match whatever comes: what they raise has an end, and costs other tenants little. */
import { Alert } from '@aurorasoc/alerts/alert/alert.entity';
import { AlertLog } from '@aurorasoc/alerts/alert/alert-log';
import { detectInBatches } from '@aurorasoc/alerts/detection/detection-worker';
import {
  MAX_ALERTS_PER_BATCH,
  MAX_EVENTS_PER_ALERT,
  MAX_RULES_PER_EVENT,
} from '@aurorasoc/alerts/detection/signal-groups';
import { alertsEvents } from '@aurorasoc/alerts/events';
import { DetectionRuleRow } from '@aurorasoc/alerts/rule/detection-rule.entity';
import { RuleBook } from '@aurorasoc/alerts/rule/rule-book';
import type { Database } from '@aurorasoc/kit/database';
import { EventRecorder } from '@aurorasoc/kit/events';
import { eventIdOf, newBatchId, newId } from '@aurorasoc/kit/ids';
import type { StreamEntry } from '@aurorasoc/kit/streams';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAlertsDatabase, type DomainDatabase } from '../support/domain-database.js';

/** As many lines as a batch may have. */
const EVENTS = 512;
const RULES = 1_000;
const CRITICAL = 10;
/** Some five times what was measured; all at once these signals take seconds. */
const LONGEST_STRETCH_MS = 200;

let base: DomainDatabase;
let database: Database;

beforeAll(async () => {
  base = await createAlertsDatabase('hostile_matches', [Alert, DetectionRuleRow]);
  database = await base.open('svc');
});

afterAll(() => base.close());

/** Rules that match every event, the last by id critical; titles begin with the level. */
async function newTenant(rules: number, critical: number) {
  const tenant = newId();
  await base.admin.query(
    `insert into alerts.detection_rule (id, tenant, version, source, title, level, is_enabled, created_at, updated_at, weight)
     select id, $1, 1, format(E'title: %s %s\\nid: %s\\nlevel: %s\\nlogsource: { product: windows }\\ndetection: { sel: { a: null }, condition: sel }\\n', level, n, id, level),
       n, level, true, now(), now(), 100
     from (select n, ('0a7e5c1e-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid as id,
       case when n > $2::integer - $3::integer then 'critical' when n % 2 = 0 then 'low' else 'high' end as level
       from generate_series(1, $2::integer) n) rule`,
    [tenant, rules, critical],
  );
  await base.admin.query('insert into alerts.rule_set values ($1, 1)', [tenant]);
  const recorder = new EventRecorder('alerts', 'test', alertsEvents);
  const leftOut = { signals: 0, truncatedEvents: 0 };
  const detect = detectInBatches({
    database,
    rules: new RuleBook([], base.log),
    alertLog: new AlertLog(recorder, { kind: 'service', id: 'test' }),
    log: base.log,
    count: {
      signals: (count) => {
        leftOut.signals += count;
      },
      truncatedEvents: (count) => {
        leftOut.truncatedEvents += count;
      },
    },
  });
  const read = async <T extends object>(sql: string): Promise<T[]> => (await base.admin.query<T>(sql, [tenant])).rows;
  return { tenant, detect, read, leftOut };
}

/** @param hostOf - by the event's number. */
function batchOf(tenant: string, hostOf: (n: number) => string, second = 0): StreamEntry {
  const id = newBatchId();
  const lines = Array.from({ length: EVENTS }, (_, n) =>
    JSON.stringify({
      '@timestamp': new Date(Date.UTC(2026, 10, 23, 12, 0, second, n)).toISOString(),
      event: { id: eventIdOf(id, n), kind: 'event', code: '1', provider: 'Microsoft-Windows-Sysmon' },
      host: { name: hostOf(n) },
      file: { path: `C:\\${n}` },
      winlog: { channel: 'Microsoft-Windows-Sysmon/Operational', provider_name: 'Microsoft-Windows-Sysmon' },
    }),
  );
  const fields = new Map([['body', lines.join('\n')]]);
  const stream = 'aurora:ingest:events:0';
  return { stream, key: stream, entryId: '1-0', messageId: id, tenant, fields };
}

/** @returns the most processor time that this thread took without looking at its timers: what a busy machine takes for others is none of it. */
async function longestStretchMs(work: () => Promise<void>): Promise<number> {
  let longest = 0;
  let last = process.threadCpuUsage();
  const look = () => {
    const { user, system } = process.threadCpuUsage(last);
    longest = Math.max(longest, (user + system) / 1e3);
    last = process.threadCpuUsage();
  };
  const timer = setInterval(look, 5);
  await work().finally(() => clearInterval(timer));
  return longest;
}

const LINKS = `select count(*)::integer as links from alerts.alert_event where tenant = $1 group by alert_id order by 1`;

describe('rules that match every event', () => {
  it('raise an alert each of the most severe ones, and hold nobody up', async () => {
    const { tenant, detect, read, leftOut } = await newTenant(RULES, CRITICAL);
    const entries = [0, 1, 2].map((second) => batchOf(tenant, () => 'WS-01', second));
    expect(await longestStretchMs(() => detect(entries))).toBeLessThan(LONGEST_STRETCH_MS);
    const alerts = await read<{ title: string }>('select title, count::integer from alerts.alert where tenant = $1');
    const kept = Array.from({ length: RULES }, (_, n) => n + 1).filter((n) => n > RULES - CRITICAL || n % 2 === 1);
    const levelOf = (n: number) => (n > RULES - CRITICAL ? 'critical' : 'high');
    const mostSevere = [...kept.slice(-CRITICAL), ...kept].slice(0, MAX_RULES_PER_EVENT);
    expect(new Set(alerts.map(({ title }) => title))).toEqual(new Set(mostSevere.map((n) => `${levelOf(n)} ${n}`)));
    expect(alerts).toEqual(alerts.map(({ title }) => ({ title, count: 3 * EVENTS })));
    expect(alerts).toHaveLength(MAX_RULES_PER_EVENT);
    expect(leftOut.signals).toBe(3 * EVENTS * (RULES - MAX_RULES_PER_EVENT));
  });

  it('are one alert for each host, with the times, the entities and the first events of all that matched', async () => {
    const { tenant, detect, read } = await newTenant(10, 0);
    await detect([0, 1, 2, 3].map((second) => batchOf(tenant, (n) => `WS-0${n % 2}`, second)));
    await detect([batchOf(tenant, () => 'WS-00', 4)]);
    const [even, odd] = await read(
      `select grouping_key as key, count(*)::integer as alerts, min(count)::integer as least, max(count)::integer as most,
         min(first_seen_at) as first, max(last_seen_at) as last, max(jsonb_array_length(entities)) as entities
       from alerts.alert where tenant = $1 group by 1 order by 1`,
    );
    const at = (second: number, ms: number) => new Date(Date.UTC(2026, 10, 23, 12, 0, second, ms));
    const of = (count: number) => ({ alerts: 10, least: count, most: count, entities: 50 });
    expect(even).toEqual({
      key: { 'host.name': 'WS-00' },
      ...of(3 * EVENTS),
      first: at(0, 0),
      last: at(4, 511),
    });
    expect(odd).toEqual({
      key: { 'host.name': 'WS-01' },
      ...of(2 * EVENTS),
      first: at(0, 1),
      last: at(3, 511),
    });
    const links = await read<{ links: number }>(LINKS);
    expect(links.map((row) => row.links)).toEqual(links.map(() => MAX_EVENTS_PER_ALERT));
  });

  it('raise the most severe ones of a batch as well, when each event is of a host of its own', async () => {
    const { tenant, detect, read, leftOut } = await newTenant(200, 2);
    for (let batches = 0; batches < 3; batches++) await detect([batchOf(tenant, (n) => `WS-${n}`)]);
    const [raised] = await read(
      `select count(*)::integer as alerts, sum(count)::integer as signals, count(*) filter (where severity = 'CRITICAL')::integer as critical
       from alerts.alert where tenant = $1`,
    );
    const signals = 3 * MAX_ALERTS_PER_BATCH;
    expect(raised).toEqual({ alerts: MAX_ALERTS_PER_BATCH, signals, critical: 2 * EVENTS });
    expect(leftOut.signals).toBe(3 * EVENTS * 200 - signals);
  });

  it('are raised and counted once, whatever part of a run had to be handled again', async () => {
    const { tenant, detect, read, leftOut } = await newTenant(RULES, CRITICAL);
    const [first, second] = [batchOf(tenant, () => 'WS-01'), batchOf(tenant, () => 'WS-01', 1)];
    const broken = { ...second, fields: new Map([['body', '{']]) };
    // The first part has committed by then.
    await expect(detect([first, broken])).rejects.toThrow();
    await detect([first, second]);
    const alerts = await read<{ count: number }>('select count::integer from alerts.alert where tenant = $1');
    expect(alerts).toEqual(Array(MAX_RULES_PER_EVENT).fill({ count: 2 * EVENTS }));
    expect(leftOut.signals).toBe(2 * EVENTS * (RULES - MAX_RULES_PER_EVENT));
  });

  it('but see a part only of an event that is too long, are told of with its batch', async () => {
    const { tenant, detect, leftOut } = await newTenant(1, 0);
    const batch = batchOf(tenant, () => 'WS-01');
    const [line = '', ...others] = String(batch.fields.get('body')).split('\n');
    const long = { ...JSON.parse(line), winlog: { event_data: { a: 'x'.repeat(70_000) } } };
    const body = [JSON.stringify(long), ...others].join('\n');
    await detect([{ ...batch, fields: new Map([['body', body]]) }]);
    expect(leftOut).toEqual({ signals: 0, truncatedEvents: 1 });
  });
});
