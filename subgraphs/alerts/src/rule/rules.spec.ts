import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Database, EntityManager } from '@aurorasoc/kit/database';
import { createLog } from '@aurorasoc/kit/log';
import { LIMITS, parseRules, READER_VERSION } from '@aurorasoc/sigma';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { AlertsServices } from '../context.js';
import { DetectionRuleRow } from './detection-rule.entity.js';
import { toDetectionRuleType } from './detection-rule.type.js';
import { listRules } from './find-rules.js';
import { RuleBook } from './rule-book.js';
import { factsOf } from './rule-facts.js';
import { MAX_RULES, MAX_WEIGHT, RuleRoom } from './rule-room.js';

vi.mock('@aurorasoc/sigma', async (original) => {
  const sigma = await original<typeof import('@aurorasoc/sigma')>();
  return { ...sigma, parseRules: vi.fn(sigma.parseRules) };
});
const parses = () => vi.mocked(parseRules).mock.calls.length;
beforeEach(() => {
  vi.mocked(parseRules).mockClear();
});

const TENANT = '0198c0de-0000-7000-8000-00000000000a';
const NIL_ID = '00000000-0000-0000-0000-000000000000';
/** Of 28 such rules the engines that are kept are full. */
const HEAVY = 1_000_000;
const idOf = (n: number): string => `0a7e5c1e-0000-4000-8000-${String(n).padStart(12, '0')}`;
const sourceOf = (n: number): string =>
  `title: Rule ${n}\nid: ${idOf(n)}\nlogsource: { product: windows }\ndetection: { sel: { a: b }, condition: sel }\n`;
/** As this release saves it; `facts` is null for one that an earlier release saved. */
const rowOf = (n: number, source = sourceOf(n), facts: DetectionRuleRow['facts'] = null) =>
  ({
    tenant: TENANT,
    id: idOf(n),
    version: 1,
    source,
    title: `Rule ${n}`,
    level: 'high',
    isEnabled: true,
    facts,
  }) as DetectionRuleRow;

/**
 * The tenant's rules, as the database gives them by their order; and the version and the stamp of each tenant's set of rules. The
 * product's one rule is heavy.
 */
function servicesOf(rows: readonly DetectionRuleRow[], version = 1, stamp = 'a stamp') {
  const em = {
    execute: async (sql: string, [, after = '']: readonly string[]) =>
      sql.includes('rule_set')
        ? [{ version, stamp }].filter(() => version > 0)
        : rows
            .filter((row) => row.id > after)
            .slice(0, 100)
            .map(({ id, title, source, isEnabled }) => ({ id, title, source, is_enabled: isEnabled })),
    find: async (_: unknown, where: object, { limit }: { limit?: number } = {}) => {
      const after = /"\$gt":"([^"]+)"/.exec(JSON.stringify(where))?.[1] ?? '';
      return rows.filter((row) => row.id > after).slice(0, limit);
    },
  } as unknown as EntityManager;
  const [builtIn] = parseRules(sourceOf(3), 'built in').rules;
  if (!builtIn) throw new Error('unreadable');
  const rules = new RuleBook(
    [{ rule: { ...builtIn, weight: HEAVY }, source: sourceOf(3) }],
    createLog('rules', 'silent'),
  );
  const database = { inTenant: (_: string, work: (em: EntityManager) => unknown) => work(em) } as unknown as Database;
  const runtime = { database };
  return { database, services: { rules, runtime } as unknown as AlertsServices };
}

describe('pages of rules', () => {
  it('show rules without parsing them', async () => {
    const facts = factsOf(
      parseRules(`${sourceOf(1)}author: ann\ntags: [attack.t1490, attack.impact]\n`, 'f').rules[0] as never,
    );
    const { services } = servicesOf([rowOf(1, sourceOf(1), facts)]);
    const before = parses();
    const [shown] = (await listRules(services, TENANT, undefined, 1)).map(toDetectionRuleType);
    expect(shown).toMatchObject({ author: 'ann', techniques: ['T1490'], tactics: ['TA0040'], isEnabled: true });
    expect(parses()).toBe(before);
  });

  it('parse the rules of an earlier release that they show, once', async () => {
    const { services } = servicesOf(Array.from({ length: 300 }, (_, n) => rowOf(10 + n)));
    const before = parses();
    const show = async () => (await listRules(services, TENANT, idOf(9), 51)).slice(0, 50).map(toDetectionRuleType);
    expect((await show()).map((rule) => rule.id)).toEqual(Array.from({ length: 50 }, (_, n) => idOf(10 + n)));
    // The one behind the page tells that there is a next.
    expect(parses() - before).toBe(51);
    await show();
    expect(parses() - before).toBe(51);
  });

  it('hold each rule once, a saved one in the place of the product’s', async () => {
    const { services } = servicesOf([1, 2, 4, 5].map((n) => rowOf(n)));
    const pageOf = async (after: string | undefined, limit: number) =>
      (await listRules(services, TENANT, after, limit)).map((rule) => `${Number(rule.id.slice(-2))} ${rule.origin}`);
    expect(await pageOf(undefined, 3)).toEqual(['1 TENANT', '2 TENANT', '3 BUILT_IN']);
    expect(await pageOf(idOf(3), 3)).toEqual(['4 TENANT', '5 TENANT']);
    const replaced = servicesOf([rowOf(3), rowOf(4)]).services;
    expect((await listRules(replaced, TENANT, undefined, 5)).map((rule) => rule.origin)).toEqual(['TENANT', 'TENANT']);
  });

  it('show a rule that can be read no more, and say that it is not in force', async () => {
    // Also of a rule whose facts a former reader has noted.
    const noted = { ...factsOf(parseRules(sourceOf(1), 'f').rules[0] as never), reader: READER_VERSION - 1 };
    const { services } = servicesOf([rowOf(1, 'title: [', noted)]);
    const [shown] = (await listRules(services, TENANT, undefined, 1)).map(toDetectionRuleType);
    expect(shown).toMatchObject({ title: 'Rule 1', severity: 'HIGH', isEnabled: false, source: 'title: [' });
  });
});

describe('engines', () => {
  it('are made once per version of a tenant’s rules', async () => {
    const { database, services } = servicesOf([rowOf(1)]);
    const engine = await services.rules.engineFor(database, TENANT);
    expect(await services.rules.engineFor(database, TENANT)).toBe(engine);
    expect(await services.rules.engineFor(servicesOf([rowOf(1), rowOf(2)], 2).database, TENANT)).not.toBe(engine);
  });

  it('are one for all tenants that have no rules of their own', async () => {
    const { database, services } = servicesOf([], 0);
    const engine = await services.rules.engineFor(database, TENANT);
    expect(await services.rules.engineFor(database, idOf(1))).toBe(engine);
  });

  it('are not forgotten for tenants that have no rules of their own', async () => {
    const { database, services } = servicesOf([rowOf(1)]);
    const engine = await services.rules.engineFor(database, TENANT);
    const without = servicesOf([], 0).database;
    for (let n = 10; n < 50; n++) await services.rules.engineFor(without, idOf(n));
    expect(await services.rules.engineFor(database, TENANT)).toBe(engine);
  });

  it('are forgotten when those of other tenants are too heavy beside them', async () => {
    const { database, services } = servicesOf([rowOf(1)]);
    const engine = await services.rules.engineFor(database, TENANT);
    for (let n = 10; n < 50; n++) await services.rules.engineFor(database, idOf(n));
    expect(await services.rules.engineFor(database, TENANT)).not.toBe(engine);
  });

  it('are made anew after the database was restored to a former version', async () => {
    const { database, services } = servicesOf([rowOf(1), rowOf(2)], 9);
    await services.rules.engineFor(database, TENANT);
    const restored = servicesOf([rowOf(5)], 5).database;
    const engine = await services.rules.engineFor(restored, TENANT);
    expect(engine.rules.map(({ id }) => id)).toContain(idOf(5));
    expect(engine.rules.map(({ id }) => id)).not.toContain(idOf(2));
    expect(await services.rules.engineFor(restored, TENANT)).toBe(engine);
  });

  it('are made anew after the database was restored and has come to the same version again', async () => {
    const { database, services } = servicesOf([rowOf(1), rowOf(2)], 9, 'before');
    await services.rules.engineFor(database, TENANT);
    const restored = servicesOf([rowOf(5)], 9, 'after').database;
    const engine = await services.rules.engineFor(restored, TENANT);
    expect(engine.rules.map(({ id }) => id)).toEqual([3, 5].map(idOf));
    expect(await services.rules.engineFor(restored, TENANT)).toBe(engine);
  });

  it('hold of each row its own rule, and are made without those that are another’s or can be read no more', async () => {
    const rows = [
      rowOf(1),
      rowOf(2, sourceOf(1)),
      rowOf(4, `${sourceOf(4)}---\n${sourceOf(1)}`),
      rowOf(5, 'title: ['),
      rowOf(6),
    ];
    const { database, services } = servicesOf(rows);
    const inForce = (await services.rules.engineFor(database, TENANT)).rules.map(({ id }) => id);
    expect(inForce).toEqual([1, 3, 6].map(idOf));
    const shown = (await listRules(services, TENANT, undefined, 9)).map(toDetectionRuleType);
    expect(shown.filter((rule) => rule.isEnabled).map(({ id }) => id)).toEqual(inForce);
    expect(shown).toHaveLength(6);
  });

  it('hold the rule with the least of all ids', async () => {
    const least = { ...rowOf(1, sourceOf(1).replace(idOf(1), NIL_ID)), id: NIL_ID };
    const { database, services } = servicesOf([least]);
    expect((await services.rules.engineFor(database, TENANT)).rules[0]?.id).toBe(NIL_ID);
  });

  it('hold every rule of the tenant, on however many pages the database gives them', async () => {
    const { database, services } = servicesOf(Array.from({ length: 250 }, (_, n) => rowOf(10 + n)));
    expect((await services.rules.engineFor(database, TENANT)).rules).toHaveLength(251);
  });

  it('are made in time slices, however heavy the rules', async () => {
    const values = (n: number) => Array.from({ length: 1_500 }, (_, v) => `'${n * 7_919 + v}-long-enough'`).join(', ');
    const rows = Array.from({ length: 100 }, (_, n) =>
      rowOf(10 + n, sourceOf(10 + n).replace('{ a: b }', `{ CommandLine|contains: [${values(n)}] }`)),
    );
    const { database, services } = servicesOf(rows);
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    await Promise.all([TENANT, idOf(1)].map((tenant) => services.rules.engineFor(database, tenant)));
    delay.disable();
    // A busy machine takes its time from this process as well; all at once these take seconds.
    expect(delay.max / 1e6).toBeLessThan(500);
  });
});

describe('a saved text', () => {
  const { services } = servicesOf([]);
  const withComments = (length: number) => `${sourceOf(1)}...\n#`.padEnd(length, '-');

  it('is weighed whole, with the comments behind its document', () => {
    expect(services.rules.parse(withComments(80_000), 'f').rules[0]?.weight).toBeGreaterThanOrEqual(10_000);
  });

  it('that is longer than the reader takes is not in force, and its reason names the limit', () => {
    const { id, title } = rowOf(1);
    const read = (source: string | null) => services.rules.readSaved({ id, title, source });
    const refused = { reason: expect.stringContaining('longer than 131072 characters') };
    expect(read(withComments(LIMITS.documentLength + 1))).toEqual(refused);
    // It was not fetched.
    expect(read(null)).toEqual(refused);
    expect(read(withComments(LIMITS.documentLength))).toMatchObject({ id });
  });
});

describe('the room of a tenant', () => {
  const roomOf = (rules: number, weight: number) =>
    RuleRoom.of({ execute: async () => [{ rules, weight }] } as unknown as EntityManager, TENANT);

  it('has an end by number and by weight', async () => {
    const room = await roomOf(MAX_RULES - 1, 0);
    expect(room.take(10)).toBeUndefined();
    expect(room.take(10)?.code).toBe('TOO_MANY_RULES');
    expect((await roomOf(1, MAX_WEIGHT - 10)).take(11)?.code).toBe('RULES_TOO_LARGE');
    expect((await roomOf(1, MAX_WEIGHT - 10)).take(10)).toBeUndefined();
  });

  it('is never too small for a rule that becomes no heavier', async () => {
    const room = await roomOf(MAX_RULES + 1, MAX_WEIGHT + 1);
    expect(room.take(20, 20)).toBeUndefined();
    expect(room.take(21, 20)?.code).toBe('RULES_TOO_LARGE');
  });
});
