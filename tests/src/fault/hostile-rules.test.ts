/** A tenant's rules, as heavy as they may be: the process that reads and runs them answers all the same. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Alert } from '@aurorasoc/alerts/alert/alert.entity';
import { AlertLog } from '@aurorasoc/alerts/alert/alert-log';
import { detectInBatches } from '@aurorasoc/alerts/detection/detection-worker';
import { alertsEvents } from '@aurorasoc/alerts/events';
import { migrations } from '@aurorasoc/alerts/migrations';
import { DetectionRuleRow } from '@aurorasoc/alerts/rule/detection-rule.entity';
import {
  type ImportOutcome,
  importDetectionRules,
  type RuleDocument,
} from '@aurorasoc/alerts/rule/import-detection-rules';
import { RuleBook } from '@aurorasoc/alerts/rule/rule-book';
import { MAX_RULES } from '@aurorasoc/alerts/rule/rule-room';
import type { Database } from '@aurorasoc/kit/database';
import { EventRecorder } from '@aurorasoc/kit/events';
import { eventIdOf, newBatchId, newId } from '@aurorasoc/kit/ids';
import type { StreamEntry } from '@aurorasoc/kit/streams';
import { LIMITS } from '@aurorasoc/sigma';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAlertsDatabase, type DomainDatabase } from '../support/domain-database.js';

/** One part of a time slice may take a tenth of a second; the rest is what a busy machine takes for others. */
const LONGEST_STRETCH_MS = 700;

/** Heavy rules, as many as a tenant has room for. */
const HEAVY = 96;

let base: DomainDatabase;
let database: Database;
const recorder = new EventRecorder('alerts', 'test', alertsEvents);

beforeAll(async () => {
  base = await createAlertsDatabase('hostile_rules', [Alert, DetectionRuleRow]);
  database = await base.open('svc');
});

afterAll(() => base.close());

const idOf = (n: number): string => `0a7e5c1e-0000-4000-8000-${String(n).padStart(12, '0')}`;
const ruleOf = (n: number, detection: string): RuleDocument => ({
  name: `${n}.yml`,
  text: `title: Rule ${n}\nid: ${idOf(n)}\nlogsource: { product: windows }\ndetection: ${detection}\n`,
});
const NEEDLE = '{ sel: { CommandLine|contains: needle }, condition: sel }';

/** Legal, of some 9 kB, and all of it work: keywords without an anchor, a list that is read again by aliases. */
const heavy = (n: number): RuleDocument =>
  ruleOf(
    n,
    `{ base: &x [${Array.from({ length: 1_000 }, (_, v) => `k${n}-${v}`).join(',')}], more: *x, again: *x, condition: base or more or again }`,
  );

function tenantWith(rules: RuleBook) {
  const tenant = newId();
  const principal = { tenant, subject: 'ann', kind: 'user', rights: ['rules:write'] };
  const services = { runtime: { database }, rules, recorder };
  const load = (documents: readonly RuleDocument[]): Promise<ImportOutcome> =>
    importDetectionRules(services as never, principal as never, documents);
  const alertLog = new AlertLog(recorder, { kind: 'service', id: 'test' });
  const detect = detectInBatches({
    database,
    rules,
    alertLog,
    log: base.log,
    count: { signals: () => undefined, truncatedEvents: () => undefined },
  });
  const send = (commandLine: string): Promise<void> => detect([entryOf(tenant, commandLine)]);
  const alerts = async (): Promise<string[]> => {
    const { rows } = await base.admin.query<{ title: string }>(
      'select title from alerts.alert where tenant = $1 order by title',
      [tenant],
    );
    return rows.map((row) => row.title);
  };
  return { tenant, load, send, alerts };
}

const newTenant = () => tenantWith(new RuleBook([], base.log));

function entryOf(tenant: string, commandLine: string): StreamEntry {
  const id = newBatchId();
  const body = JSON.stringify({
    '@timestamp': '2026-11-23T12:00:00.000Z',
    event: { id: eventIdOf(id, 0), kind: 'event', code: '1', provider: 'Microsoft-Windows-Sysmon' },
    winlog: {
      channel: 'Microsoft-Windows-Sysmon/Operational',
      provider_name: 'Microsoft-Windows-Sysmon',
      event_id: '1',
      event_data: { CommandLine: commandLine },
    },
  });
  const fields = new Map([
    ['id', id],
    ['tenant', tenant],
    ['body', body],
  ]);
  const stream = 'aurora:ingest:events:0';
  return { stream, key: stream, entryId: '1-0', messageId: id, tenant, fields };
}

/** @returns the longest time for which the process answered nobody. */
async function longestStretchMs(work: () => Promise<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  await work();
  delay.disable();
  return delay.max / 1e6;
}

describe('heavy rules', () => {
  it('of one import hold nobody up: when they are read, when they are made an engine, and when they are run', async () => {
    const { load, send, alerts } = newTenant();
    const documents = [...Array.from({ length: HEAVY }, (_, n) => heavy(n)), ruleOf(999, NEEDLE)];
    const stretch = await longestStretchMs(async () => {
      expect(await load(documents)).toMatchObject({ saved: HEAVY + 1, refused: [] });
      await send('a needle');
    });
    expect(await alerts()).toEqual(['Rule 999']);
    expect(stretch).toBeLessThan(LONGEST_STRETCH_MS);
  });

  it('that another process has saved hold nobody up either', async () => {
    const { tenant, load } = newTenant();
    await load(Array.from({ length: 40 }, (_, n) => heavy(n)));
    const other = new RuleBook([], base.log);
    const stretch = await longestStretchMs(() => other.engineFor(database, tenant));
    expect(stretch).toBeLessThan(LONGEST_STRETCH_MS);
  });
});

describe('a change of rules', () => {
  it('is in force for every event after its answer, while an engine is being made as well', async () => {
    const { load, send, alerts } = newTenant();
    await load([...Array.from({ length: 40 }, (_, n) => heavy(n)), ruleOf(500, NEEDLE)]);
    const making = send('a first needle');
    await load([ruleOf(501, NEEDLE.replace('needle', 'thread'))]);
    await send('a thread');
    await making;
    expect(await alerts()).toEqual(['Rule 500', 'Rule 501']);
    await load([ruleOf(501, NEEDLE.replace('needle', 'button'))]);
    await base.admin.query('update alerts.alert set status = $1', ['CLOSED']);
    await send('a thread');
    await send('a button');
    expect(await alerts()).toEqual(['Rule 500', 'Rule 501', 'Rule 501']);
  });
});

describe('a database that was restored', () => {
  it('has its own rules in force, also once it has come to the version again that it had before', async () => {
    const { tenant, load, send, alerts } = newTenant();
    const { admin } = base;
    const version = async () => {
      const { rows } = await admin.query('select version from alerts.rule_set where tenant = $1', [tenant]);
      return rows[0]?.version;
    };
    await load([ruleOf(1, NEEDLE)]);
    const { rows } = await admin.query('select * from alerts.rule_set where tenant = $1', [tenant]);
    await load([ruleOf(2, NEEDLE)]);
    await send('a needle');
    expect(await version()).toBe(2);
    await admin.query('delete from alerts.detection_rule where tenant = $1 and id = $2', [tenant, idOf(2)]);
    await admin.query('update alerts.rule_set set version = 1, stamp = $2 where tenant = $1', [tenant, rows[0].stamp]);
    await load([ruleOf(3, NEEDLE)]);
    expect(await version()).toBe(2);
    await admin.query('update alerts.alert set status = $1', ['CLOSED']);
    await send('a needle');
    expect(await alerts()).toEqual(['Rule 1', 'Rule 1', 'Rule 2', 'Rule 3']);
  });
});

describe('a rule', () => {
  it('whose text is longer than one may be, which a former release has let in, is not fetched and not in force', async () => {
    const { tenant, load, send, alerts } = newTenant();
    await load([ruleOf(1, NEEDLE), ruleOf(2, NEEDLE)]);
    await base.admin.query(
      `update alerts.detection_rule set source = rpad(source || E'...\\n#', $3, '-') where tenant = $1 and id = $2`,
      [tenant, idOf(2), LIMITS.documentLength + 1],
    );
    const fetched: unknown[] = [];
    const watched = {
      inTenant: (of: string, work: (em: object) => unknown) =>
        database.inTenant(of, async (em) => {
          const execute = async (sql: string, parameters: unknown[]) => {
            const rows: { source?: string | null }[] = await em.execute(sql, parameters);
            fetched.push(...rows.filter((row) => 'source' in row).map(({ source }) => source));
            return rows;
          };
          return work({ execute });
        }),
    };
    const { rules } = await new RuleBook([], base.log).engineFor(watched as unknown as Database, tenant);
    expect(rules.map(({ id }) => id)).toEqual([idOf(1)]);
    expect(fetched).toEqual([ruleOf(1, NEEDLE).text, null]);
    await send('a needle');
    expect(await alerts()).toEqual(['Rule 1']);
  });

  it('with the least of all ids is in force', async () => {
    const { load, send, alerts } = newTenant();
    const { name, text } = ruleOf(1, NEEDLE);
    const least = text.replace(idOf(1), '00000000-0000-0000-0000-000000000000');
    expect(await load([{ name, text: least }])).toMatchObject({ saved: 1 });
    await send('a needle');
    expect(await alerts()).toEqual(['Rule 1']);
  });
});

describe('an import', () => {
  it('is refused what goes beyond the rules that a tenant may hold, with a code; what is there can be changed', async () => {
    const { tenant, load } = newTenant();
    await base.admin.query(
      `insert into alerts.detection_rule (id, tenant, version, source, title, level, is_enabled, created_at, updated_at, weight)
       select gen_random_uuid(), $1, 1, 'x', 'x', 'low', false, now(), now(), 1 from generate_series(1, $2::integer)`,
      [tenant, MAX_RULES - 1],
    );
    expect(await load([ruleOf(1, NEEDLE), ruleOf(2, NEEDLE)])).toEqual({
      saved: 1,
      unchanged: 0,
      refused: [{ name: '2.yml', code: 'TOO_MANY_RULES', message: expect.any(String), line: null, column: null }],
    });
    expect(await load([ruleOf(1, NEEDLE.replace('needle', 'thread'))])).toMatchObject({ saved: 1, refused: [] });
  });

  it('is refused what makes the rules too large together, with a code', async () => {
    const { tenant, load } = newTenant();
    await load([ruleOf(1, NEEDLE)]);
    await base.admin.query('update alerts.detection_rule set weight = 2999900 where tenant = $1', [tenant]);
    expect(await load([heavy(2)])).toMatchObject({ saved: 0, refused: [{ name: '2.yml', code: 'RULES_TOO_LARGE' }] });
  });

  it('knows what rules weigh that a former release has saved, by their text', async () => {
    const { tenant } = newTenant();
    const { admin } = base;
    await admin.query('alter table alerts.detection_rule drop column weight, drop column facts');
    await admin.query(
      `insert into alerts.detection_rule values ($1, $2, 1, repeat('x', 801), 'x', 'low', true, now(), now())`,
      [idOf(1), tenant],
    );
    const statements: string[] = [];
    const migration = migrations.find(({ name }) => name === '0004-rule-weights');
    Object.assign(Object.create(migration?.class.prototype ?? null), {
      addSql: (sql: string) => statements.push(sql),
    }).up();
    await admin.query('set role alerts_owner');
    for (const statement of statements) await admin.query(statement);
    await admin.query('reset role');
    const { rows } = await admin.query('select weight, facts from alerts.detection_rule where tenant = $1', [tenant]);
    expect(rows).toEqual([{ weight: 301, facts: null }]);
  });

  it('of what is there word for word notes what a former release did not, and saves nothing anew', async () => {
    const { tenant, load } = newTenant();
    await load([ruleOf(1, NEEDLE)]);
    const read = async () => {
      const { rows } = await base.admin.query(
        'select r.weight, r.facts, r.version, s.version as set_version from alerts.detection_rule r join alerts.rule_set s using (tenant) where tenant = $1',
        [tenant],
      );
      return rows;
    };
    const before = await read();
    await base.admin.query('update alerts.detection_rule set weight = 545, facts = null where tenant = $1', [tenant]);
    expect(await load([ruleOf(1, NEEDLE)])).toEqual({ saved: 0, unchanged: 1, refused: [] });
    expect(await read()).toEqual(before);
  });

  it.each(['title', 'description', 'author', 'tags', 'falsepositives'])(
    'refuses a rule whose %s cannot be stored, and saves those beside it',
    async (key) => {
      const { load } = newTenant();
      const { name, text } = ruleOf(1, NEEDLE);
      const value = ['tags', 'falsepositives'].includes(key) ? '["a", "a\\0b"]' : '"a\\0b"';
      const hostile = `${text.replace(/^title: .*\n/, key === 'title' ? '' : '$&')}${key}: ${value}\n`;
      expect(await load([{ name, text: hostile }, ruleOf(2, NEEDLE)])).toEqual({
        saved: 1,
        unchanged: 0,
        refused: [
          { name, code: 'UNSTORABLE_TEXT', message: expect.stringContaining(`The ${key} `), line: 1, column: null },
        ],
      });
    },
  );

  it('saves no text of a sound rule beside a broken one', async () => {
    const { load } = newTenant();
    const { name, text } = ruleOf(1, NEEDLE);
    const outcome = await load([{ name, text: `${text}---\ntitle: [\n` }]);
    expect(outcome.saved).toBe(0);
    expect(outcome.refused).toEqual([{ name, code: 'SEVERAL_RULES', message: expect.any(String), line: 5, column: 1 }]);
  });

  it('reads of a text with tens of thousands of documents the first two lines of them', async () => {
    const { load } = newTenant();
    const text = '---\n[\n'.repeat(43_690);
    const stretch = await longestStretchMs(async () => {
      const { refused } = await load([{ name: 'many.yml', text }]);
      expect(refused.map(({ code, line }) => [code, line])).toEqual([['SEVERAL_RULES', 3]]);
    });
    expect(stretch).toBeLessThan(LONGEST_STRETCH_MS);
  });
});
