/** Picks the rules that may match an event, by the literals that stand in its fields. */
import { AhoCorasick } from './aho-corasick.js';
import type { EventView } from './event-view.js';
import type { Anchor } from './find-anchors.js';
import type { Steps } from './steps.js';

/** Cells of all automata of one prefilter, however many it might have: 32 MiB. */
const MAX_CELLS = 8 * 1024 * 1024;
/** Anchors that one step deals with. */
const PER_STEP = 1_000;

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
  candidates(view: EventView): readonly number[] {
    const found = new Set(this.always);
    for (const field of this.fields) field.collect(view, found);
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
    private readonly literals: readonly string[],
    /** Rules by literal of the automaton: wanted anywhere, and wanted at the start. */
    private readonly anywhere: readonly (readonly number[])[],
    private readonly atStart: readonly (readonly number[])[],
  ) {}

  /** @returns nothing when there are too few cells to watch the field. */
  static *build(slot: number, anchors: readonly RuleAnchor[], maxCells: number): Steps<FieldWatch | undefined> {
    const having = (operation: Anchor['operation']) => groupRules(anchors, operation);
    const equals = yield* having('equals');
    const suffixes = groupByLength(yield* having('endswith'));
    const contains = yield* having('contains');
    const startswith = yield* having('startswith');
    const literals = [...new Set([...contains.keys(), ...startswith.keys()])];
    const anywhere = literals.map((literal) => contains.get(literal) ?? []);
    const atStart = literals.map((literal) => startswith.get(literal) ?? []);
    const parts = literals.length === 0 ? null : yield* AhoCorasick.build(literals, maxCells);
    if (parts === undefined) return undefined;
    return new FieldWatch(slot, equals, suffixes, parts, literals, anywhere, atStart);
  }

  get cells(): number {
    return this.parts?.cells ?? 0;
  }

  collect(view: EventView, found: Set<number>): void {
    for (const text of view.foldedTexts(this.slot)) {
      addAll(found, this.equals.get(text));
      for (const [length, rules] of this.suffixes)
        if (length <= text.length) addAll(found, rules.get(text.slice(text.length - length)));
      this.parts?.scan(text, (literal, end) => {
        addAll(found, this.anywhere[literal]);
        // The automaton knows the literal's beginning only; `end` lies at or before the whole literal's end.
        if (end <= (this.literals[literal]?.length ?? 0)) addAll(found, this.atStart[literal]);
      });
    }
  }
}

function addAll(found: Set<number>, rules: readonly number[] | undefined): void {
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

function groupByLength(
  suffixes: ReadonlyMap<string, readonly number[]>,
): (readonly [number, Map<string, readonly number[]>])[] {
  const byLength = new Map<number, Map<string, readonly number[]>>();
  for (const [literal, rules] of suffixes) {
    const group = byLength.get(literal.length) ?? new Map<string, readonly number[]>();
    byLength.set(literal.length, group.set(literal, rules));
  }
  return [...byLength];
}
