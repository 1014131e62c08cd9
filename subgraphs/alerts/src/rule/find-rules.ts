/** The detection rules as people see them: built-in and the tenant's, in one list. */
import { parseRules, type SigmaRule } from '@aurorasoc/sigma';
import type { AlertsServices } from '../context.js';
import { DetectionRuleRow } from './detection-rule.entity.js';

export interface DetectionRuleView {
  readonly id: string;
  readonly rule: SigmaRule;
  readonly source: string;
  readonly origin: 'BUILT_IN' | 'TENANT';
  readonly isEnabled: boolean;
  readonly version: number;
}

/** @param ids - all rules when left out. Sorted by id. */
export async function findRules(
  { runtime, rules }: Pick<AlertsServices, 'runtime' | 'rules'>,
  tenant: string,
  ids?: readonly string[],
): Promise<DetectionRuleView[]> {
  const rows = await runtime.database.inTenant(tenant, (em) =>
    em.find(DetectionRuleRow, ids === undefined ? { tenant } : { tenant, id: { $in: [...ids] } }),
  );
  const found = new Map<string, DetectionRuleView>();
  for (const { rule, source } of rules.builtIn.values()) {
    if (ids === undefined || ids.includes(rule.id))
      found.set(rule.id, { id: rule.id, rule, source, origin: 'BUILT_IN', isEnabled: true, version: 1 });
  }
  for (const row of rows) {
    const rule = parseRules(row.source, row.title).rules[0];
    if (rule)
      found.set(row.id, {
        id: row.id,
        rule,
        source: row.source,
        origin: 'TENANT',
        isEnabled: row.isEnabled,
        version: row.version,
      });
  }
  return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}
