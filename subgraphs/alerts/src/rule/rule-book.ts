/** The detection rules in force for each tenant: the product's own, and the tenant's, which take their place where ids meet. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BoundedCache } from '@aurorasoc/kit/bounded-cache';
import type { EntityManager } from '@aurorasoc/kit/database';
import type { Logger } from '@aurorasoc/kit/log';
import { createEngine, type Engine, parseRules, type SigmaRule } from '@aurorasoc/sigma';
import { DetectionRuleRow } from './detection-rule.entity.js';

type ParseResult = ReturnType<typeof parseRules>;

/** A rule with the text that it was read from. */
export interface LoadedRule {
  readonly rule: SigmaRule;
  readonly source: string;
}

/** The product's rules, from YAML files of one document each. @throws SigmaRuleError on a rule that cannot be read: a bug of the release. */
export function readBuiltInRules(folder: string): LoadedRule[] {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.yml'))
    .sort();
  return files.map((name) => {
    const source = readFileSync(join(folder, name), 'utf8');
    const { rules, errors } = parseRules(source, name);
    const [rule] = rules;
    if (errors[0]) throw errors[0];
    if (!rule || rules.length > 1) throw new Error(`${name} must hold one rule`);
    return { rule, source };
  });
}

/** Engines of so many tenants are kept: one of some thousand rules takes tens of megabytes, and is made anew within a second. */
const MAX_ENGINES = 32;
/** Parsed rules that are kept, of all tenants: more than one tenant's rules, so that a change of one parses one. */
const MAX_PARSED = 8_192;

interface TenantRules {
  readonly version: number;
  readonly engine: Engine;
}

export class RuleBook {
  readonly #byTenant = new BoundedCache<TenantRules>(MAX_ENGINES);
  readonly #parsed = new BoundedCache<ParseResult>(MAX_PARSED);
  readonly builtIn: ReadonlyMap<string, LoadedRule>;

  constructor(
    builtIn: readonly LoadedRule[],
    private readonly log: Logger,
  ) {
    this.builtIn = new Map(builtIn.map((loaded) => [loaded.rule.id, loaded]));
  }

  /**
   * The compiled rules as they stand in the open transaction. A change of the rules is seen by every batch that is handled
   * after its commit.
   */
  async engineFor(em: EntityManager, tenant: string): Promise<Engine> {
    const [row] = (await em.execute('select version from alerts.rule_set where tenant = ?', [tenant])) as {
      version: number;
    }[];
    const version = row?.version ?? 0;
    const known = this.#byTenant.find(tenant);
    if (known?.version === version) return known.engine;
    const rows = version === 0 ? [] : await em.find(DetectionRuleRow, { tenant });
    const engine = createEngine(this.#rulesInForce(rows));
    this.#byTenant.set(tenant, { version, engine });
    return engine;
  }

  /** A saved rule, parsed once for as long as its text stays. */
  parse({ source, title }: Pick<DetectionRuleRow, 'source' | 'title'>): ParseResult {
    return this.#parsed.get(createHash('sha256').update(source).digest('base64'), () => parseRules(source, title));
  }

  #rulesInForce(rows: readonly DetectionRuleRow[]): SigmaRule[] {
    const replaced = new Set(rows.map((row) => row.id));
    const rules = [...this.builtIn.values()].map((loaded) => loaded.rule).filter((rule) => !replaced.has(rule.id));
    for (const row of rows) {
      if (!row.isEnabled) continue;
      const parsed = this.parse(row);
      rules.push(...parsed.rules);
      // The rule was readable when it was saved: an upgrade of the engine has become stricter.
      for (const error of parsed.errors)
        this.log.error({ ruleId: row.id, error: error.message }, 'A saved rule is refused');
    }
    return rules;
  }
}
