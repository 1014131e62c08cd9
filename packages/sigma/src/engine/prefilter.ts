/** Picks the rules that may match an event, by the literals that stand in its fields. */
import { AhoCorasick } from './aho-corasick.js';
import type { EventView } from './event-view.js';
import type { Anchor } from './find-anchors.js';

export class Prefilter {
  readonly #fields: readonly FieldWatch[];
  /** Rules without anchors, in ascending order. */
  readonly #always: readonly number[];

  /** @param anchorsOfRules - by the rule's number; null for a rule that has to run on every event. */
  constructor(anchorsOfRules: readonly (readonly Anchor[] | null)[]) {
    const bySlot = new Map<number, RuleAnchor[]>();
    const always: number[] = [];
    for (const [rule, anchors] of anchorsOfRules.entries()) {
      if (anchors === null) always.push(rule);
      for (const anchor of anchors ?? []) {
        const watched = bySlot.get(anchor.slot);
        if (watched === undefined) bySlot.set(anchor.slot, [{ ...anchor, rule }]);
        else watched.push({ ...anchor, rule });
      }
    }
    this.#always = always;
    this.#fields = [...bySlot].map(([slot, anchors]) => new FieldWatch(slot, anchors));
  }

  /** Numbers of the candidates, ascending, none twice. */
  candidates(view: EventView): readonly number[] {
    const found = new Set(this.#always);
    for (const field of this.#fields) field.collect(view, found);
    return found.size === this.#always.length ? this.#always : [...found].sort((left, right) => left - right);
  }
}

interface RuleAnchor extends Anchor {
  readonly rule: number;
}

/** All anchors of one field. */
class FieldWatch {
  readonly #equals: ReadonlyMap<string, readonly number[]>;
  /** Suffixes by their length. */
  readonly #suffixes: readonly (readonly [number, ReadonlyMap<string, readonly number[]>])[];
  readonly #parts: AhoCorasick | null;
  /** Rules by literal of the automaton: wanted anywhere, and wanted at the start. */
  readonly #anywhere: readonly (readonly number[])[];
  readonly #atStart: readonly (readonly number[])[];
  readonly #literals: readonly string[];

  constructor(
    private readonly slot: number,
    anchors: readonly RuleAnchor[],
  ) {
    const having = (operation: Anchor['operation']) =>
      groupRules(anchors.filter((anchor) => anchor.operation === operation));
    this.#equals = having('equals');
    this.#suffixes = groupByLength(having('endswith'));
    const contains = having('contains');
    const startswith = having('startswith');
    this.#literals = [...new Set([...contains.keys(), ...startswith.keys()])];
    this.#anywhere = this.#literals.map((literal) => contains.get(literal) ?? []);
    this.#atStart = this.#literals.map((literal) => startswith.get(literal) ?? []);
    this.#parts = this.#literals.length === 0 ? null : new AhoCorasick(this.#literals);
  }

  collect(view: EventView, found: Set<number>): void {
    for (const text of view.foldedTexts(this.slot)) {
      addAll(found, this.#equals.get(text));
      for (const [length, rules] of this.#suffixes)
        if (length <= text.length) addAll(found, rules.get(text.slice(text.length - length)));
      this.#parts?.scan(text, (literal, end) => {
        addAll(found, this.#anywhere[literal]);
        // The automaton knows the literal's beginning only; `end` lies at or before the whole literal's end.
        if (end <= (this.#literals[literal]?.length ?? 0)) addAll(found, this.#atStart[literal]);
      });
    }
  }
}

function addAll(found: Set<number>, rules: readonly number[] | undefined): void {
  if (rules !== undefined) for (let index = 0; index < rules.length; index++) found.add(rules[index] ?? 0);
}

function groupRules(anchors: readonly RuleAnchor[]): Map<string, number[]> {
  const rules = new Map<string, number[]>();
  for (const { literal, rule } of anchors) {
    const known = rules.get(literal);
    if (known === undefined) rules.set(literal, [rule]);
    else if (known.at(-1) !== rule) known.push(rule);
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
