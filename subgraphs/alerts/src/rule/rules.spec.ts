import type { EntityManager } from '@aurorasoc/kit/database';
import { createLog } from '@aurorasoc/kit/log';
import { parseRules } from '@aurorasoc/sigma';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { AlertsServices } from '../context.js';
import type { DetectionRuleRow } from './detection-rule.entity.js';
import { toDetectionRuleType } from './detection-rule.type.js';
import { listRules } from './find-rules.js';
import { RuleBook } from './rule-book.js';

vi.mock('@aurorasoc/sigma', async (original) => {
  const sigma = await original<typeof import('@aurorasoc/sigma')>();
  return { ...sigma, parseRules: vi.fn(sigma.parseRules) };
});
const parses = () => vi.mocked(parseRules).mock.calls.length;
beforeEach(() => {
  vi.mocked(parseRules).mockClear();
});

const TENANT = '0198c0de-0000-7000-8000-00000000000a';
const idOf = (n: number): string => `0a7e5c1e-0000-4000-8000-${String(n).padStart(12, '0')}`;
const sourceOf = (n: number): string =>
  `title: Rule ${n}\nid: ${idOf(n)}\nlogsource: { product: windows }\ndetection: { sel: { a: b }, condition: sel }\n`;
const rowOf = (n: number, source = sourceOf(n)) =>
  ({
    tenant: TENANT,
    id: idOf(n),
    version: 1,
    source,
    title: `Rule ${n}`,
    level: 'high',
    isEnabled: true,
  }) as DetectionRuleRow;

/** The tenant's rules, as the database gives them by their order; and the version of each tenant's set of rules. */
function servicesOf(rows: readonly DetectionRuleRow[], version = 1) {
  const em = {
    execute: async () => [{ version }],
    find: async (_: unknown, where: object, { limit }: { limit?: number } = {}) => {
      const after = /"\$gt":"([^"]+)"/.exec(JSON.stringify(where))?.[1] ?? '';
      return rows.filter((row) => row.id > after).slice(0, limit);
    },
  } as unknown as EntityManager;
  const [builtIn] = parseRules(sourceOf(3), 'built in').rules;
  if (!builtIn) throw new Error('unreadable');
  const rules = new RuleBook([{ rule: builtIn, source: sourceOf(3) }], createLog('rules', 'silent'));
  const runtime = { database: { inTenant: (_: string, work: (em: EntityManager) => unknown) => work(em) } };
  return { em, services: { rules, runtime } as unknown as AlertsServices };
}

describe('pages of rules', () => {
  it('parse the rules that they show, once', async () => {
    const { services } = servicesOf(Array.from({ length: 300 }, (_, n) => rowOf(10 + n)));
    const before = parses();
    const show = async () => (await listRules(services, TENANT, idOf(9), 51)).slice(0, 50).map(toDetectionRuleType);
    expect((await show()).map((rule) => rule.id)).toEqual(Array.from({ length: 50 }, (_, n) => idOf(10 + n)));
    expect(parses() - before).toBe(50);
    await show();
    expect(parses() - before).toBe(50);
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
    const { services } = servicesOf([rowOf(1, 'title: [')]);
    const [shown] = (await listRules(services, TENANT, undefined, 1)).map(toDetectionRuleType);
    expect(shown).toMatchObject({ title: 'Rule 1', severity: 'HIGH', isEnabled: false, source: 'title: [' });
  });
});

describe('engines', () => {
  it('are made once per version of a tenant’s rules, and forgotten for tenants that were not seen for long', async () => {
    const { em, services } = servicesOf([rowOf(1)]);
    const engine = await services.rules.engineFor(em, TENANT);
    expect(await services.rules.engineFor(em, TENANT)).toBe(engine);
    for (let n = 0; n < 40; n++) await services.rules.engineFor(em, idOf(n));
    expect(await services.rules.engineFor(em, TENANT)).not.toBe(engine);
  });
});
