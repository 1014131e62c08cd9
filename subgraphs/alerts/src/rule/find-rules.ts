/** The detection rules as people see them: built-in and the tenant's, in one list by id. */
import type { SigmaLevel } from '@aurorasoc/sigma';
import type { FilterQuery } from '@mikro-orm/core';
import type { AlertsServices } from '../context.js';
import { DetectionRuleRow } from './detection-rule.entity.js';
import type { LoadedRule, RuleBook } from './rule-book.js';
import { factsOf, isCurrent, type RuleFacts } from './rule-facts.js';
import { TimeSlices } from './time-slices.js';

export interface DetectionRuleView {
  readonly id: string;
  readonly title: string;
  readonly level: SigmaLevel | null;
  readonly source: string;
  readonly origin: 'BUILT_IN' | 'TENANT';
  readonly isEnabled: boolean;
  readonly version: number;
  /** Undefined for a rule that a former release could read and this one refuses; it is not in force. */
  readonly facts: RuleFacts | undefined;
}

type RuleServices = Pick<AlertsServices, 'runtime' | 'rules'>;

/** Those of the rules that exist, by id. */
export function findRules(
  services: RuleServices,
  tenant: string,
  ids: readonly string[],
): Promise<DetectionRuleView[]> {
  return readRules(services, tenant, { id: { $in: [...ids] } }, (id) => ids.includes(id));
}

/** At most `limit` rules behind the one with the id `after`. */
export async function listRules(
  services: RuleServices,
  tenant: string,
  after: string | undefined,
  limit: number,
): Promise<DetectionRuleView[]> {
  const where = after === undefined ? {} : { id: { $gt: after } };
  const rules = await readRules(services, tenant, where, (id) => after === undefined || id > after, limit);
  return rules.slice(0, limit);
}

/** @param limit - of the tenant's rules; where it cuts them off, what stands behind the last one of them may be incomplete. */
async function readRules(
  { runtime, rules }: RuleServices,
  tenant: string,
  where: FilterQuery<DetectionRuleRow>,
  isWanted: (id: string) => boolean,
  limit?: number,
): Promise<DetectionRuleView[]> {
  const rows = await runtime.database.inTenant(tenant, (em) =>
    em.find(DetectionRuleRow, { $and: [{ tenant }, where] }, { orderBy: { id: 'asc' }, ...(limit && { limit }) }),
  );
  const builtIn = [...rules.builtIn.values()].filter(({ rule }) => isWanted(rule.id));
  const found = new Map(builtIn.map((loaded) => [loaded.rule.id, viewBuiltIn(loaded)]));
  for (const row of rows) found.set(row.id, viewRow(row, await readFacts(rules, row)));
  return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Those that this release's reader has not accepted yet are read once, in time slices. */
async function readFacts(rules: RuleBook, row: DetectionRuleRow): Promise<RuleFacts | undefined> {
  if (isCurrent(row.facts)) return row.facts;
  await TimeSlices.begin();
  const rule = rules.readSaved(row);
  return 'reason' in rule ? undefined : factsOf(rule);
}

function viewBuiltIn({ rule, source }: LoadedRule): DetectionRuleView {
  const { id, title, level } = rule;
  return { id, title, level, source, origin: 'BUILT_IN', isEnabled: true, version: 1, facts: factsOf(rule) };
}

function viewRow(row: DetectionRuleRow, facts: RuleFacts | undefined): DetectionRuleView {
  const { id, title, source, isEnabled, version } = row;
  return { id, title, level: row.level as SigmaLevel, source, origin: 'TENANT', isEnabled, version, facts };
}
