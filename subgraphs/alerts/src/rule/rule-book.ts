/** The detection rules in force for each tenant: the product's own, and the tenant's, which take their place where ids meet. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BoundedCache } from '@aurorasoc/kit/bounded-cache';
import type { Database } from '@aurorasoc/kit/database';
import type { Logger } from '@aurorasoc/kit/log';
import { createEngineInSteps, type Engine, type ParsedRules, parseRules, type SigmaRule } from '@aurorasoc/sigma';
import { Turns } from './turns.js';

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

/**
 * What is kept of all tenants, by the weight of the rules, a unit of which takes some 25 bytes: one tenant's rules and those of
 * many others, so that a change of one rule reads one.
 */
const MAX_PARSED_WEIGHT = 6_000_000;
const MAX_ENGINES_WEIGHT = 6_000_000;
/** What a text costs beside its rule. */
const BASE_WEIGHT = 100;
/** Rows that are fetched at once: as many as may lie in memory with the longest texts, and be unpacked within a turn. */
const PAGE = 100;

interface TenantRules {
  readonly version: number;
  readonly engine: Engine;
}

interface SavedRule {
  readonly id: string;
  readonly title: string;
  readonly source: string;
  readonly is_enabled: boolean;
}

export class RuleBook {
  readonly #byTenant = new BoundedCache<TenantRules>(MAX_ENGINES_WEIGHT, ({ engine }) => weightOf(engine));
  readonly #parsed = new BoundedCache<ParsedRules>(MAX_PARSED_WEIGHT, weightOf);
  #builtInEngine: Engine | undefined;
  readonly builtIn: ReadonlyMap<string, LoadedRule>;

  constructor(
    builtIn: readonly LoadedRule[],
    private readonly log: Logger,
  ) {
    this.builtIn = new Map(builtIn.map((loaded) => [loaded.rule.id, loaded]));
  }

  /**
   * The compiled rules as they stand now. A change of the rules is seen by every batch that comes after its commit.
   *
   * A new engine takes as long as the rules are heavy, seconds for thousands of them; it is made outside of any transaction
   * and in turns, and takes the place of the old one once it is whole.
   */
  async engineFor(database: Database, tenant: string): Promise<Engine> {
    const version = await readVersion(database, tenant);
    const known = this.#byTenant.find(tenant);
    if (known?.version === version) return known.engine;
    const engine =
      version === 0 ? await this.#engineOfBuiltIn() : await this.#makeEngine(await readSavedRules(database, tenant));
    // A rule that was saved since the version was read may be in it; the next batch sees a version that is not this one.
    this.#byTenant.set(tenant, { version, engine });
    return engine;
  }

  /**
   * The rule of a text, read once for as long as the memory for it lasts. Of what is refused nothing is kept: its error holds on to
   * the text, whose size nothing bounds. @param name - for messages.
   */
  parse(text: string, name: string): ParsedRules {
    const key = createHash('sha256').update(text).digest('base64');
    const known = this.#parsed.find(key);
    if (known) return known;
    const parsed = parseRules(text, name, { maxDocuments: 1 });
    if (parsed.errors.length === 0) this.#parsed.set(key, parsed);
    return parsed;
  }

  /** One for all tenants without rules of their own. */
  async #engineOfBuiltIn(): Promise<Engine> {
    this.#builtInEngine ??= await this.#makeEngine([]);
    return this.#builtInEngine;
  }

  async #makeEngine(saved: readonly SavedRule[]): Promise<Engine> {
    const turns = await Turns.begin();
    const replaced = new Set(saved.map((row) => row.id));
    const rules = [...this.builtIn.values()].map((loaded) => loaded.rule).filter((rule) => !replaced.has(rule.id));
    for (const row of saved) {
      if (!row.is_enabled) continue;
      const parsed = this.parse(row.source, row.title);
      await turns.pause();
      rules.push(...parsed.rules);
      // The rule was readable when it was saved: an upgrade of the engine has become stricter.
      for (const error of parsed.errors)
        this.log.error({ ruleId: row.id, error: error.message }, 'A saved rule is refused');
    }
    return turns.take(createEngineInSteps(rules));
  }
}

function weightOf({ rules }: { readonly rules: readonly SigmaRule[] }): number {
  return rules.reduce((sum, rule) => sum + rule.weight, BASE_WEIGHT);
}

/** 0 for a tenant without rules of its own. */
function readVersion(database: Database, tenant: string): Promise<number> {
  return database.inTenant(tenant, async (em) => {
    const [row] = (await em.execute('select version from alerts.rule_set where tenant = ?', [tenant])) as {
      version: number;
    }[];
    return row?.version ?? 0;
  });
}

/** In pages: nothing else runs while the rows of one are unpacked. */
function readSavedRules(database: Database, tenant: string): Promise<SavedRule[]> {
  return database.inTenant(tenant, async (em) => {
    const saved: SavedRule[] = [];
    for (let after = NO_RULE; ; ) {
      const page = (await em.execute(
        `select id, title, source, is_enabled from alerts.detection_rule where tenant = ? and id > ?::uuid order by id limit ${PAGE}`,
        [tenant, after],
      )) as SavedRule[];
      saved.push(...page);
      const last = page.at(-1);
      if (!last || page.length < PAGE) return saved;
      after = last.id;
    }
  });
}

/** Before the id of every rule. */
const NO_RULE = '00000000-0000-0000-0000-000000000000';
