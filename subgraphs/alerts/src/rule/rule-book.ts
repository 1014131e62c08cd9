/** The detection rules in force for each tenant: the product's own, and the tenant's, which take their place where ids meet. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BoundedCache } from '@aurorasoc/kit/bounded-cache';
import type { Database } from '@aurorasoc/kit/database';
import type { Logger } from '@aurorasoc/kit/log';
import {
  createEngineInSteps,
  type Engine,
  LIMITS,
  type ParsedRules,
  parseRules,
  type SigmaRule,
} from '@aurorasoc/sigma';
import { TimeSlices } from './time-slices.js';

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
 * What is kept of all tenants, by the weight of the rules. The engines have room for 16 tenants that each hold all public rules;
 * beyond that the engine that was not used for the longest is forgotten, and made anew when its tenant sends events. What a unit
 * of weight takes in memory is told in the README.
 */
const MAX_ENGINES_WEIGHT = 28_000_000;
/** Rules that were read, so that a change of one reads one: those of one tenant and of many others. */
const MAX_PARSED_WEIGHT = 6_000_000;
/** What a text costs beside its rule. */
const BASE_WEIGHT = 100;
/** Rows that are fetched at once. With texts as long as they may be these are 13 million characters, unpacked within a time slice. */
const PAGE = 100;

interface TenantRules {
  readonly state: string;
  readonly engine: Engine;
}

interface SavedRule {
  readonly id: string;
  readonly title: string;
  /** Null for one that is longer than a rule's text may be. */
  readonly source: string | null;
  readonly is_enabled: boolean;
}

export class RuleBook {
  /** Of tenants with rules of their own. */
  readonly #byTenant = new BoundedCache<TenantRules>(MAX_ENGINES_WEIGHT, ({ engine }) => weightOf(engine));
  readonly #parsed = new BoundedCache<ParsedRules>(MAX_PARSED_WEIGHT, weightOf);
  /** One for all tenants without rules of their own. */
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
   * and in time slices. To be called by one at a time: who asks meanwhile has the same work done again.
   */
  async engineFor(database: Database, tenant: string): Promise<Engine> {
    const state = await readState(database, tenant);
    if (state === undefined) {
      this.#builtInEngine ??= await this.#makeEngine([]);
      return this.#builtInEngine;
    }
    const known = this.#byTenant.find(tenant);
    if (known?.state === state) return known.engine;
    // A rule that was saved since the state was read may be in it; the next batch sees a state that is not this one.
    const engine = await this.#makeEngine(await readSavedRules(database, tenant));
    this.#byTenant.set(tenant, { state, engine });
    return engine;
  }

  /**
   * The rule that a tenant has saved by this id. It was readable then: what is refused or has another id now, a former release has
   * let in, and it is not in force.
   *
   * @returns why not, where there is none.
   */
  readSaved({
    id,
    source,
    title,
  }: Pick<SavedRule, 'id' | 'source' | 'title'>): SigmaRule | { readonly reason: string } {
    if (source === null) return { reason: `The text is longer than ${LIMITS.documentLength} characters` };
    const { rules, errors } = this.parse(source, title);
    const [rule] = rules;
    if (rule?.id === id) return rule;
    return { reason: errors[0]?.message ?? (rule ? `The text holds the rule ${rule.id}` : 'The text holds no rule') };
  }

  /**
   * The rule of a text, read once for as long as the memory for it lasts. Of what is refused nothing is kept: its error holds on
   * to the text, whose size nothing bounds. @param name - for messages.
   */
  parse(text: string, name: string): ParsedRules {
    const key = createHash('sha256').update(text).digest('base64');
    const known = this.#parsed.find(key);
    if (known) return known;
    const parsed = parseRules(text, name, { maxDocuments: 1 });
    if (parsed.errors.length === 0) this.#parsed.set(key, parsed);
    return parsed;
  }

  async #makeEngine(saved: readonly SavedRule[]): Promise<Engine> {
    const slices = await TimeSlices.begin();
    const replaced = new Set(saved.map((row) => row.id));
    const rules = [...this.builtIn.values()].map((loaded) => loaded.rule).filter((rule) => !replaced.has(rule.id));
    for (const row of saved) {
      if (!row.is_enabled) continue;
      const rule = this.readSaved(row);
      await slices.pause();
      // Of each row its own at most, so that no two have the same id, which would leave the tenant without an engine.
      if ('reason' in rule) this.log.error({ ruleId: row.id, error: rule.reason }, 'A saved rule is not in force');
      else rules.push(rule);
    }
    return slices.take(createEngineInSteps(rules));
  }
}

function weightOf({ rules }: { readonly rules: readonly SigmaRule[] }): number {
  return rules.reduce((sum, rule) => sum + rule.weight, BASE_WEIGHT);
}

/**
 * Another one after each change of the tenant's rules: by the version alone, those of a database that was restored and then changed
 * could not be told from the ones that it held before. @returns undefined for a tenant without rules of its own.
 */
function readState(database: Database, tenant: string): Promise<string | undefined> {
  return database.inTenant(tenant, async (em) => {
    const [row] = (await em.execute('select version, stamp from alerts.rule_set where tenant = ?', [tenant])) as {
      version: number;
      stamp: string;
    }[];
    return row && `${row.version} ${row.stamp}`;
  });
}

/** In pages: nothing else runs while the rows of one are unpacked. */
function readSavedRules(database: Database, tenant: string): Promise<SavedRule[]> {
  return database.inTenant(tenant, async (em) => {
    const saved: SavedRule[] = [];
    for (;;) {
      const last = saved.at(-1);
      // A former release let in texts of any length.
      const page = (await em.execute(
        `select id, title, case when length(source) <= ${LIMITS.documentLength} then source end as source, is_enabled
         from alerts.detection_rule where tenant = ? ${last ? 'and id > ?::uuid' : ''} order by id limit ${PAGE}`,
        [tenant, ...(last ? [last.id] : [])],
      )) as SavedRule[];
      saved.push(...page);
      if (page.length < PAGE) return saved;
    }
  });
}
