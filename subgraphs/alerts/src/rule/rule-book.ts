/** The detection rules in force for each tenant: the product's own, and the tenant's, which take their place where ids meet. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BoundedCache } from '@aurorasoc/kit/bounded-cache';
import type { Database } from '@aurorasoc/kit/database';
import type { Logger } from '@aurorasoc/kit/log';
import { createEngineInSteps, type Engine, type ParsedRules, parseRules, type SigmaRule } from '@aurorasoc/sigma';
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
 * What is kept of all tenants, by the weight of the rules. Of public rules a unit takes some 20 bytes as a rule, which engines share
 * where their tenants have it word for word, 6 more in each engine, and 4 in its tables. Of rules that are made to be large it
 * takes up to 50 as a rule, 30 in an engine, and in the tables, which the engine bounds, 16.
 *
 * The engines have room for 16 tenants that each hold the public rules, 1,640,000. That is 300 MB when all hold the same ones and
 * 800 MB when no two rules are the same; ten tenants that fill their rooms with rules made to be large take three times as much.
 * Beyond that the engine that was not used for the longest is forgotten, and made anew when its tenant sends events.
 */
const MAX_ENGINES_WEIGHT = 28_000_000;
/** Rules that were read, so that a change of one reads one: those of one tenant and of many others. */
const MAX_PARSED_WEIGHT = 6_000_000;
/** What a text costs beside its rule. */
const BASE_WEIGHT = 100;
/** Rows that are fetched at once: as many as may lie in memory with the longest texts, and be unpacked within a time slice. */
const PAGE = 100;

interface TenantRules {
  readonly version: number;
  readonly engine: Engine;
}

interface EngineInTheMaking {
  readonly version: number;
  readonly engine: Promise<Engine>;
}

interface SavedRule {
  readonly id: string;
  readonly title: string;
  readonly source: string;
  readonly is_enabled: boolean;
}

export class RuleBook {
  /** Of tenants with rules of their own. */
  readonly #byTenant = new BoundedCache<TenantRules>(MAX_ENGINES_WEIGHT, ({ engine }) => weightOf(engine));
  readonly #making = new Map<string, EngineInTheMaking>();
  readonly #parsed = new BoundedCache<ParsedRules>(MAX_PARSED_WEIGHT, weightOf);
  /** One for all tenants without rules of their own. */
  #builtInEngine: Promise<Engine> | undefined;
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
   * and in time slices, and takes the place of the old one once it is whole.
   */
  async engineFor(database: Database, tenant: string): Promise<Engine> {
    const version = await this.#versionOf(database, tenant);
    if (version === 0) return this.#builtIn();
    const known = this.#byTenant.find(tenant);
    if (known?.version === version) return known.engine;
    const making = this.#making.get(tenant);
    if (making?.version === version) return making.engine;
    // A rule that was saved since the version was read may be in it; the next batch sees a version that is not this one.
    const engine = readSavedRules(database, tenant).then((saved) => this.#makeEngine(saved));
    this.#making.set(tenant, { version, engine });
    try {
      const made = await engine;
      if (this.#making.get(tenant)?.engine === engine) this.#byTenant.set(tenant, { version, engine: made });
      return made;
    } finally {
      if (this.#making.get(tenant)?.engine === engine) this.#making.delete(tenant);
    }
  }

  /**
   * Another call may have seen a later version than this one has read; one that is still lower when it is read again is that of
   * a database that was restored.
   */
  async #versionOf(database: Database, tenant: string): Promise<number> {
    const version = await readVersion(database, tenant);
    const seen = this.#making.get(tenant)?.version ?? this.#byTenant.find(tenant)?.version ?? 0;
    return seen > version ? readVersion(database, tenant) : version;
  }

  #builtIn(): Promise<Engine> {
    this.#builtInEngine ??= this.#makeEngine([]).catch((error: unknown) => {
      this.#builtInEngine = undefined;
      throw error;
    });
    return this.#builtInEngine;
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
    const { rules, errors } = this.parse(source, title);
    const [rule] = rules;
    if (rule?.id === id) return rule;
    return { reason: errors[0]?.message ?? (rule ? `The text holds the rule ${rule.id}` : 'The text holds no rule') };
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
    for (;;) {
      const last = saved.at(-1);
      const page = (await em.execute(
        `select id, title, source, is_enabled from alerts.detection_rule
         where tenant = ? ${last ? 'and id > ?::uuid' : ''} order by id limit ${PAGE}`,
        [tenant, ...(last ? [last.id] : [])],
      )) as SavedRule[];
      saved.push(...page);
      if (page.length < PAGE) return saved;
    }
  });
}
