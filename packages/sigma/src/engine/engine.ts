/**
 * Many rules against one event after another. Rules are picked by the event's log source, then by anchors, and the few
 * that are left run as closures. Everything before the closures may only let too much through.
 */
import type { EventDocument } from '../event/event-document.js';
import type { SigmaRule } from '../rule/rule.js';
import { SigmaRuleError } from '../rule/rule-error.js';
import { coversLogsource, type EventLogsource, type Taxonomy } from '../taxonomy/taxonomy.js';
import { windowsTaxonomy } from '../taxonomy/windows-taxonomy.js';
import { compileDetection, type EventTest } from './compile-detection.js';
import { EventView, FieldTable } from './event-view.js';
import { type Anchor, findAnchors } from './find-anchors.js';
import { Prefilter } from './prefilter.js';
import { finish, type Steps } from './steps.js';

/** Below this many rules, running all of them costs less than scanning the event's fields for anchors. */
const PREFILTER_FROM_RULES = 24;
/** Log sources are named by events, which may be hostile; beyond this many the oldest is forgotten. */
const MAX_BUCKETS = 1024;
/** Cells of the prefilters of all log sources of an engine, 4 bytes each; beyond it, too, the oldest is forgotten. */
const MAX_CELLS = 32 * 1024 * 1024;
/** Rules of another log source that one step passes over. */
const PER_STEP = 500;

export interface EngineOptions {
  /** @default windowsTaxonomy */
  readonly taxonomy?: Taxonomy;
}

export interface Evaluation {
  /** The rules that match, by id. */
  readonly rules: readonly SigmaRule[];
  /** A field that rules read was longer than 64 KiB or 1,024 values; what lies behind was not seen. */
  readonly isTruncated: boolean;
}

/** Immutable once made: to change rules, make another engine and swap the reference. Not bound to one event. */
export interface Engine {
  /** All rules, by id. */
  readonly rules: readonly SigmaRule[];
  /** The rules that match the event, by id. */
  match(event: EventDocument): readonly SigmaRule[];
  /** The same, with what limits the answer. */
  evaluate(event: EventDocument): Evaluation;
  /** The same in steps: who runs the rules of others does not let one event hold up everything else. */
  evaluateInSteps(event: EventDocument): Steps<Evaluation>;
}

/**
 * Compiles rules for matching. Indexes per log source are built when its first event is seen.
 *
 * @throws SigmaRuleError DUPLICATE_ID when two rules have the same id.
 */
export function createEngine(rules: readonly SigmaRule[], options: EngineOptions = {}): Engine {
  return finish(createEngineInSteps(rules, options));
}

/** The same in steps; a rule is one. @throws SigmaRuleError DUPLICATE_ID */
export function* createEngineInSteps(
  rules: readonly SigmaRule[],
  { taxonomy = windowsTaxonomy }: EngineOptions = {},
): Steps<Engine> {
  const sorted = [...rules].sort((left, right) => (left.id < right.id ? -1 : 1));
  refuseDuplicates(sorted);
  const index = yield* RuleIndex.build(sorted, taxonomy);
  const evaluate = (event: EventDocument): Evaluation => finish(index.evaluate(event));
  return {
    rules: sorted,
    evaluate,
    match: (event) => evaluate(event).rules,
    evaluateInSteps: (event) => index.evaluate(event),
  };
}

function refuseDuplicates(sorted: readonly SigmaRule[]): void {
  for (const [index, rule] of sorted.entries()) {
    if (rule.id !== sorted[index + 1]?.id) continue;
    const message = `Two rules have the id ${rule.id}; give one of them another.`;
    const place = { code: 'DUPLICATE_ID', line: rule.source.line, column: 1, field: 'id', message } as const;
    throw new SigmaRuleError(place, { ruleId: rule.id, title: rule.title, sourceName: rule.source.name });
  }
}

interface CompiledRule {
  readonly rule: SigmaRule;
  readonly test: EventTest;
  readonly anchors: readonly Anchor[] | null;
}

/** The rules of one log source. */
interface Bucket {
  readonly compiled: readonly CompiledRule[];
  readonly prefilter: Prefilter | null;
}

class RuleIndex {
  readonly #compiled: CompiledRule[] = [];
  readonly #fields: FieldTable;
  readonly #buckets = new Map<string, Bucket>();
  /** Words of log sources that some rule uses. */
  readonly #words = new Set<string>();

  private constructor(private readonly taxonomy: Taxonomy) {
    this.#fields = new FieldTable(taxonomy);
  }

  static *build(sorted: readonly SigmaRule[], taxonomy: Taxonomy): Steps<RuleIndex> {
    const index = new RuleIndex(taxonomy);
    for (const rule of sorted) {
      index.#add(rule);
      yield;
    }
    return index;
  }

  #add(rule: SigmaRule): void {
    for (const word of Object.values(rule.logsource)) this.#words.add(word);
    const slotOf = (field: string | null) => this.#fields.slotOf(field, rule.logsource);
    const test = compileDetection(rule.detection, slotOf);
    this.#compiled.push({ rule, test, anchors: findAnchors(rule.detection, slotOf) });
  }

  *evaluate(event: EventDocument): Steps<Evaluation> {
    const { compiled, prefilter } = yield* this.#bucketFor(this.taxonomy.classifyEvent(event));
    const view = new EventView(event, this.#fields.paths);
    const rules: SigmaRule[] = [];
    for (const number of prefilter?.candidates(view) ?? compiled.keys()) {
      const candidate = compiled[number];
      if (candidate?.test(view)) rules.push(candidate.rule);
      yield;
    }
    return { rules, isTruncated: view.isTruncated };
  }

  *#bucketFor(logsource: EventLogsource): Steps<Bucket> {
    const key = this.#keyOf(logsource);
    const known = this.#buckets.get(key);
    if (known !== undefined) return known;
    const compiled: CompiledRule[] = [];
    for (const [index, candidate] of this.#compiled.entries()) {
      if (coversLogsource(logsource, candidate.rule.logsource)) compiled.push(candidate);
      if (index % PER_STEP === 0) yield;
    }
    const prefilter =
      compiled.length < PREFILTER_FROM_RULES ? null : yield* Prefilter.build(compiled.map(({ anchors }) => anchors));
    const bucket: Bucket = { compiled, prefilter };
    this.#buckets.set(key, bucket);
    this.#forgetOldBuckets();
    return bucket;
  }

  /** All but the newest, which is in use. */
  #forgetOldBuckets(): void {
    const cellsOf = ({ prefilter }: Bucket): number => prefilter?.cells ?? 0;
    let cells = [...this.#buckets.values()].reduce((sum, bucket) => sum + cellsOf(bucket), 0);
    for (const [key, bucket] of this.#buckets) {
      const isTooMuch = this.#buckets.size > MAX_BUCKETS || cells > MAX_CELLS;
      if (!isTooMuch || this.#buckets.size === 1) return;
      this.#buckets.delete(key);
      cells -= cellsOf(bucket);
    }
  }

  /** Words that no rule uses are left out, so that unknown sources share a bucket. */
  #keyOf({ product, categories, services }: EventLogsource): string {
    const known = (words: readonly string[]) => words.filter((word) => this.#words.has(word)).sort();
    return JSON.stringify([known(product === null ? [] : [product]), known(categories), known(services)]);
  }
}
