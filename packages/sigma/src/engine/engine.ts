/**
 * Many rules against one event after another. Rules are picked by the event's log source, then by anchors, and the few
 * that are left run as closures. Everything before the closures may only let too much through.
 */
import type { EventDocument } from '../event/event-document.js';
import type { Logsource, SigmaRule } from '../rule/rule.js';
import { SigmaRuleError } from '../rule/rule-error.js';
import type { EventLogsource, Taxonomy } from '../taxonomy/taxonomy.js';
import { windowsTaxonomy } from '../taxonomy/windows-taxonomy.js';
import { compileDetection, type RuleTest } from './compile-detection.js';
import { EventView, FieldTable } from './event-view.js';
import { type Anchor, findAnchors } from './find-anchors.js';
import { Prefilter } from './prefilter.js';
import { finish, type Steps } from './steps.js';

/** Below this many rules, running all of them costs less than scanning the event's fields for anchors. */
const PREFILTER_FROM_RULES = 24;
/**
 * Cells of the transition tables of a log source, 4 bytes each, per unit of its rules' weight. What is kept beside them is linear
 * in the literals of the rules, so that what an engine may take in all is told by its rules, whatever events there are. Those of
 * the public rules for process creation need 3, the other log sources less.
 */
const CELLS_PER_WEIGHT = 4;

export interface EngineOptions {
  /** @default windowsTaxonomy */
  readonly taxonomy?: Taxonomy;
}

export interface Evaluation {
  /** The rules that match, by id. */
  readonly rules: readonly SigmaRule[];
  /** What rules read was longer than is compared, or than a regular expression reaches; what lies behind was not seen. */
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
 * Compiles rules for matching. The index of a log source is built when its first event is seen, and kept.
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
  const sorted = [...rules].sort(byId);
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
  readonly detection: RuleTest;
  readonly anchors: readonly Anchor[] | null;
}

/** The rules that name one log source. */
interface Bucket {
  readonly compiled: CompiledRule[];
  /** Undefined until the log source's first event; null where none is worth its while. */
  prefilter?: Prefilter | null;
}

/**
 * Each rule is in one bucket, and rules make the buckets: an event, whatever it calls itself, can make none, and goes to those of
 * each part of its log source.
 */
class RuleIndex {
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
    const slotOf = (field: string | null) => this.#fields.slotOf(field, rule.logsource);
    const detection = compileDetection(rule.detection, slotOf);
    const compiled = { rule, detection, anchors: findAnchors(rule.detection, slotOf) };
    for (const word of Object.values(rule.logsource)) this.#words.add(word);
    const key = keyOf(rule.logsource);
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) this.#buckets.set(key, { compiled: [compiled] });
    else bucket.compiled.push(compiled);
  }

  *evaluate(event: EventDocument): Steps<Evaluation> {
    const view = new EventView(event, this.#fields.paths);
    const rules: SigmaRule[] = [];
    for (const bucket of this.#bucketsFor(this.taxonomy.classifyEvent(event))) {
      const prefilter = bucket.prefilter === undefined ? yield* addPrefilter(bucket) : bucket.prefilter;
      const candidates = prefilter ? yield* prefilter.candidates(view) : bucket.compiled.keys();
      for (const number of candidates) {
        const { rule, detection } = bucket.compiled[number] ?? {};
        if (!rule || !detection) continue;
        if (detection.test ? detection.test(view) : yield* detection.inSteps(view)) rules.push(rule);
        yield;
      }
    }
    return { rules: rules.sort(byId), isTruncated: view.isTruncated };
  }

  /** Those whose log source the event's covers, as `coversLogsource` has it; each once. */
  #bucketsFor({ product, categories, services }: EventLogsource): Set<Bucket> {
    const known = (words: readonly (string | null)[]) => words.filter((word) => word !== null && this.#words.has(word));
    const found = new Set<Bucket>();
    for (const category of [null, ...known(categories)])
      for (const service of [null, ...known(services)])
        for (const named of [null, ...known([product])]) {
          const bucket = this.#buckets.get(keyOf({ product: named, category, service }));
          if (bucket !== undefined) found.add(bucket);
        }
    return found;
  }
}

function* addPrefilter(bucket: Bucket): Steps<Prefilter | null> {
  const { compiled } = bucket;
  if (compiled.length < PREFILTER_FROM_RULES) bucket.prefilter = null;
  else {
    const weight = compiled.reduce((sum, { rule }) => sum + rule.weight, 0);
    const anchors = compiled.map((each) => each.anchors);
    bucket.prefilter = yield* Prefilter.build(anchors, weight * CELLS_PER_WEIGHT);
  }
  return bucket.prefilter;
}

function byId(left: SigmaRule, right: SigmaRule): number {
  return left.id < right.id ? -1 : 1;
}

function keyOf({ product, category, service }: { readonly [part in keyof Logsource]: string | null }): string {
  return JSON.stringify([product ?? null, category ?? null, service ?? null]);
}
