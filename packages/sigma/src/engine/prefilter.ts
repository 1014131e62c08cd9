/** Picks the rules that may match an event, by the literals that stand in its fields. */
import { AhoCorasick } from './aho-corasick.js';
import type { EventView } from './event-view.js';
import type { Anchor } from './find-anchors.js';
import type { Steps } from './steps.js';

/** Cells of all automata of one prefilter, however many it might have: 32 MiB. */
const MAX_CELLS = 8 * 1024 * 1024;
/** Anchors that one step deals with. */
const PER_STEP = 1_000;
/** UTF-16 units that one step looks through; it ends behind the field with the last of them. */
const WORK_PER_STEP = 4_096;
/** What it costs to find a field, in such units. */
const WORK_OF_FIELD = 32;

export class Prefilter {
  private constructor(
    readonly fields: readonly FieldWatch[],
    /** Rules that nothing rules out, in ascending order. */
    private readonly always: readonly number[],
  ) {}

  /**
   * @param anchorsOfRules - by the rule's number; null for a rule that has to run on every event.
   * @param maxCells - of all tables, 4 bytes each. With few of them more rules are let through; with none, all.
   */
  static *build(anchorsOfRules: readonly (readonly Anchor[] | null)[], maxCells: number): Steps<Prefilter> {
    const bySlot = new Map<number, RuleAnchor[]>();
    const always = new Set<number>();
    let count = 0;
    for (const [rule, anchors] of anchorsOfRules.entries()) {
      if (anchors === null) always.add(rule);
      for (const anchor of anchors ?? []) {
        const watched = bySlot.get(anchor.slot);
        if (watched === undefined) bySlot.set(anchor.slot, [{ ...anchor, rule }]);
        else watched.push({ ...anchor, rule });
        if (++count % PER_STEP === 0) yield;
      }
    }
    const fields: FieldWatch[] = [];
    let cells = Math.min(MAX_CELLS, maxCells);
    // What fields with few anchors leave of an equal share is for those with many.
    const ascending = [...bySlot].sort(([, left], [, right]) => left.length - right.length);
    for (const [index, [slot, anchors]] of ascending.entries()) {
      const field = yield* FieldWatch.build(slot, anchors, Math.floor(cells / (ascending.length - index)));
      if (field === undefined) for (const { rule } of anchors) always.add(rule);
      else {
        fields.push(field);
        cells -= field.cells;
      }
    }
    return new Prefilter(fields, [...always].sort(ascendingly));
  }

  /** Numbers of the candidates, ascending, none twice. */
  *candidates(view: EventView): Steps<readonly number[]> {
    const found = new Set(this.always);
    let work = 0;
    for (const field of this.fields) {
      work += WORK_OF_FIELD + field.collect(view, found);
      if (work < WORK_PER_STEP) continue;
      work = 0;
      yield;
    }
    return found.size === this.always.length ? this.always : [...found].sort(ascendingly);
  }
}

function ascendingly(left: number, right: number): number {
  return left - right;
}

interface RuleAnchor extends Anchor {
  readonly rule: number;
}

/** All anchors of one field. */
class FieldWatch {
  private constructor(
    private readonly slot: number,
    private readonly equals: ReadonlyMap<string, readonly number[]>,
    /** Suffixes by their length. */
    private readonly suffixes: readonly (readonly [number, ReadonlyMap<string, readonly number[]>])[],
    private readonly parts: AhoCorasick | null,
    /** Rules by literal of the automaton: wanted anywhere, and wanted at the start. */
    private readonly anywhere: readonly (readonly number[])[],
    private readonly atStart: readonly (readonly number[])[],
  ) {}

  /** @returns nothing when there are too few cells to watch the field. */
  static *build(slot: number, anchors: readonly RuleAnchor[], maxCells: number): Steps<FieldWatch | undefined> {
    const having = (operation: Anchor['operation']) => groupRules(anchors, operation);
    const equals = yield* having('equals');
    const suffixes = yield* groupByLength(yield* having('endswith'));
    const contains = yield* having('contains');
    const startswith = yield* having('startswith');
    const literals: string[] = [];
    const anywhere: (readonly number[])[] = [];
    const atStart: (readonly number[])[] = [];
    for (const literal of distinct(contains, startswith)) {
      if (anywhere.length % PER_STEP === 0) yield;
      literals.push(literal);
      anywhere.push(contains.get(literal) ?? NO_RULES);
      atStart.push(startswith.get(literal) ?? NO_RULES);
    }
    const parts = literals.length === 0 ? null : yield* AhoCorasick.build(literals, maxCells);
    if (parts === undefined) return undefined;
    return new FieldWatch(slot, equals, suffixes, parts, anywhere, atStart);
  }

  get cells(): number {
    return this.parts?.cells ?? 0;
  }

  /** @returns how many UTF-16 units it has looked through. */
  collect(view: EventView, found: Set<number>): number {
    const texts = view.foldedTexts(this.slot);
    const add = adderTo(found, texts.length);
    for (const text of texts) {
      add(this.equals.get(text));
      for (const [length, rules] of this.suffixes)
        if (length <= text.length) add(rules.get(text.slice(text.length - length)));
    }
    this.parts?.scan(texts, (literal, isAtStart) => add((isAtStart ? this.atStart : this.anywhere)[literal]));
    return view.content(this.slot).length;
  }
}

const NO_RULES: readonly number[] = [];

/** The literals of both, each once. */
function* distinct(one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>): Generator<string> {
  yield* one.keys();
  for (const literal of other.keys()) if (!one.has(literal)) yield literal;
}

type RuleNumbers = readonly number[] | undefined;

/** A thousand values of a hostile field may each have what thousands of rules look for: with several, a list is added once. */
function adderTo(found: Set<number>, values: number): (rules: RuleNumbers) => void {
  if (values < 2) return (rules) => addAll(found, rules);
  const added = new Set<RuleNumbers>();
  return (rules) => {
    if (added.has(rules)) return;
    added.add(rules);
    addAll(found, rules);
  };
}

function addAll(found: Set<number>, rules: RuleNumbers): void {
  if (rules !== undefined) for (let index = 0; index < rules.length; index++) found.add(rules[index] ?? 0);
}

function* groupRules(
  anchors: readonly RuleAnchor[],
  operation: Anchor['operation'],
): Steps<ReadonlyMap<string, readonly number[]>> {
  const rules = new Map<string, number[]>();
  for (const [index, anchor] of anchors.entries()) {
    if (index % PER_STEP === 0) yield;
    if (anchor.operation !== operation) continue;
    const known = rules.get(anchor.literal);
    if (known === undefined) rules.set(anchor.literal, [anchor.rule]);
    else if (known.at(-1) !== anchor.rule) known.push(anchor.rule);
  }
  return rules;
}

function* groupByLength(
  suffixes: ReadonlyMap<string, readonly number[]>,
): Steps<(readonly [number, Map<string, readonly number[]>])[]> {
  const byLength = new Map<number, Map<string, readonly number[]>>();
  let count = 0;
  for (const [literal, rules] of suffixes) {
    const group = byLength.get(literal.length) ?? new Map<string, readonly number[]>();
    byLength.set(literal.length, group.set(literal, rules));
    if (++count % PER_STEP === 0) yield;
  }
  return [...byLength];
}
