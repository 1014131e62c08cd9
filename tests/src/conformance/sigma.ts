/**
 * Sigma against real Windows events: every regression event must fire its rule, through the normaliser and with all
 * Windows rules loaded, and nothing else may fire.
 *
 * The folder holds `sigma/rules/**` (rule files) and `sigma/regression-index.json` (rows of one event file, the rule it
 * must fire and those it may fire besides), as the SigmaHQ repository keeps them.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createNormalizer, type Normalizer } from '@aurorasoc/normalize';
import { createEngine, type Engine, type EventDocument, parseRules, type SigmaRule } from '@aurorasoc/sigma';

export interface SigmaConformance {
  readonly name: 'sigma';
  /** Rows whose rule fired. */
  readonly passed: number;
  readonly total: number;
  /** Pairs of row and rule that fired without being named by the row. */
  readonly falsePositives: number;
  readonly rulesLoaded: number;
  readonly rulesTotal: number;
  /** Rows that have to pass. */
  readonly goal: number;
  readonly met: boolean;
  /** One line for each thing that is not as it should be. */
  readonly notes: string[];
}

interface RegressionRow {
  readonly rule_id: string;
  readonly title: string;
  /** Path below the `sigma` folder. */
  readonly event: string;
  /** Ids of other rules that match, too. */
  readonly also_matches: readonly string[];
}

/** One row may miss: the goal allows for a single event that is broken at its source. */
const ALLOWED_MISSES = 1;

/** @param fixturesDir - folder that holds `sigma/`. */
export async function run(fixturesDir: string): Promise<SigmaConformance> {
  const folder = join(fixturesDir, 'sigma');
  const notes: string[] = [];
  const { rules, total: rulesTotal } = await loadWindowsRules(join(folder, 'rules'), notes);
  const rows = JSON.parse(await readFile(join(folder, 'regression-index.json'), 'utf8')) as readonly RegressionRow[];
  const engine = createEngine(rules);
  const normalizer = createNormalizer();
  let passed = 0;
  let falsePositives = 0;
  for (const row of rows) {
    const fired = matchFile(await readFile(join(folder, row.event), 'utf8'), engine, normalizer);
    if (fired.has(row.rule_id)) passed++;
    else notes.push(`missed: ${row.rule_id} ${row.title}`);
    const expected = new Set([row.rule_id, ...row.also_matches]);
    const unexpected = [...fired].filter((id) => !expected.has(id));
    falsePositives += unexpected.length;
    for (const id of unexpected) notes.push(`fired unexpectedly: ${id} on ${row.event}`);
  }
  const goal = rows.length - ALLOWED_MISSES;
  const met = rows.length > 0 && passed >= goal && falsePositives === 0 && rules.length === rulesTotal;
  return {
    name: 'sigma',
    passed,
    total: rows.length,
    falsePositives,
    rulesLoaded: rules.length,
    rulesTotal,
    goal,
    met,
    notes,
  };
}

/** Rules that were refused count in `total` when their text names Windows as the product. */
async function loadWindowsRules(folder: string, notes: string[]): Promise<{ rules: SigmaRule[]; total: number }> {
  const rules: SigmaRule[] = [];
  let refused = 0;
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.yml')).sort();
  for (const file of files) {
    const text = await readFile(join(folder, file), 'utf8');
    const parsed = parseRules(text, file);
    rules.push(...parsed.rules.filter((rule) => rule.logsource.product === 'windows'));
    if (!/^\s+product:\s*windows\s*$/m.test(text)) continue;
    refused += parsed.errors.length;
    for (const error of parsed.errors) notes.push(`refused: ${file}:${error.line} ${error.code} ${error.message}`);
  }
  return { rules, total: rules.length + refused };
}

function matchFile(text: string, engine: Engine, normalizer: Normalizer): Set<string> {
  const fired = new Set<string>();
  for (const document of splitDocuments(text)) {
    const normalized = normalizer.normalize(Buffer.from(document), {
      eventId: '01890a5d-ac96-774b-bcce-b302099a8057',
      ingested: '2026-01-01T00:00:00.000Z',
    });
    for (const rule of engine.match(JSON.parse(normalized.json) as EventDocument)) fired.add(rule.id);
  }
  return fired;
}

/** The JSON objects of a text that simply stand one after another. */
function splitDocuments(text: string): string[] {
  const documents: string[] = [];
  let depth = 0;
  let start = 0;
  let isInString = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (isInString) {
      if (character === '\\') index++;
      else if (character === '"') isInString = false;
    } else if (character === '"') isInString = true;
    else if (character === '{' && depth++ === 0) start = index;
    else if (character === '}' && --depth === 0) documents.push(text.slice(start, index + 1));
  }
  return documents;
}
