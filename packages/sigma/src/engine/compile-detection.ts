/**
 * Logic trees as closures over an event view. What may take long on a field of 64 KiB is asked in steps, part by part; the rest,
 * which is nearly all of what is written in earnest, at once.
 */
import type { Comparison, DetectionNode, TextComparison } from '../detection/detection-node.js';
import { isInNetwork } from '../pattern/cidr.js';
import { compilePattern, plainShapeOf, type TextTest } from '../pattern/compile-pattern.js';
import { compareNumbers, readNumber } from '../pattern/numbers.js';
import { foldPattern, markedLengthOf, type Pattern } from '../pattern/pattern.js';
import { relateText } from '../pattern/relate-text.js';
import { readTimePart } from '../pattern/time-part.js';
import type { EventView } from './event-view.js';
import type { Steps } from './steps.js';

export type EventTest = (view: EventView) => boolean;
export type EventTestInSteps = (view: EventView) => Steps<boolean>;
/** The number of a Sigma field in the event view; null for keywords. */
export type SlotOf = (field: string | null) => number;

/** Exactly one of the two is there: what is too much for a step is asked in several. */
export type RuleTest =
  | { readonly test: EventTest; readonly inSteps?: undefined }
  | { readonly test?: undefined; readonly inSteps: EventTestInSteps };

export function compileDetection(node: DetectionNode, slotOf: SlotOf): RuleTest {
  const compiler = new Compiler(slotOf);
  return compiler.isForOneStep(node) ? { test: compiler.compile(node) } : { inSteps: compiler.compileInSteps(node) };
}

/**
 * Of a literal that is looked for in a field of 64 KiB, in a text that is made to be slow; most take a hundredth of that. The other
 * prices are in proportion.
 */
const PRICE_OF_LITERAL = 1;
/** Some 20 ms, if all of it were made to be slow. A comparison may be dearer by itself: it is a step then. */
const PRICE_OF_STEP = 20;

class Compiler {
  /** A selection that the condition names often is compiled once. */
  readonly #compiled = new Map<DetectionNode, EventTest>();
  readonly #compiledInSteps = new Map<DetectionNode, EventTestInSteps>();
  readonly #prices = new Map<DetectionNode, number>();

  constructor(private readonly slotOf: SlotOf) {}

  isForOneStep(node: DetectionNode): boolean {
    return this.#priceOf(node) <= PRICE_OF_STEP;
  }

  #priceOf(node: DetectionNode): number {
    const known = this.#prices.get(node);
    if (known !== undefined) return known;
    const price =
      node.type === 'and' || node.type === 'or'
        ? node.children.reduce((sum, child) => sum + this.#priceOf(child), 0)
        : node.type === 'not'
          ? this.#priceOf(node.child)
          : priceOfComparison(node);
    this.#prices.set(node, price);
    return price;
  }

  compileInSteps(node: DetectionNode): EventTestInSteps {
    const known = this.#compiledInSteps.get(node);
    if (known !== undefined) return known;
    const test = this.isForOneStep(node) ? asOneStep(this.compile(node)) : this.#compileNewInSteps(node);
    this.#compiledInSteps.set(node, test);
    return test;
  }

  #compileNewInSteps(node: DetectionNode): EventTestInSteps {
    switch (node.type) {
      case 'and':
        return untilInSteps(
          false,
          cheapestFirst(node.children).map((child) => this.compileInSteps(child)),
        );
      case 'or': {
        const { groups, others } = this.#groupAlternatives(node.children);
        const texts = groups.map((group) => this.#compileTextInSteps(group));
        return untilInSteps(true, [...texts, ...others.map((child) => this.compileInSteps(child))]);
      }
      case 'not': {
        const test = this.compileInSteps(node.child);
        return function* (view) {
          return !(yield* test(view));
        };
      }
      default:
        return asOneStep(this.#compileComparison(node));
    }
  }

  /** A part of the group is a step, not a text: a field may hold a thousand. */
  #compileTextInSteps(group: readonly TextComparison[]): EventTestInSteps {
    const parts: TextComparison[][] = [];
    let price = Number.POSITIVE_INFINITY;
    for (const comparison of group) {
      price += this.#priceOf(comparison);
      if (price > PRICE_OF_STEP) {
        parts.push([]);
        price = this.#priceOf(comparison);
      }
      parts.at(-1)?.push(comparison);
    }
    return untilInSteps(
      true,
      parts.map((part) => asOneStep(this.#compileText(part))),
    );
  }

  compile(node: DetectionNode): EventTest {
    const known = this.#compiled.get(node);
    if (known !== undefined) return known;
    const test = this.#compileNew(node);
    this.#compiled.set(node, test);
    return test;
  }

  #compileNew(node: DetectionNode): EventTest {
    switch (node.type) {
      case 'and':
        return joinAnd(cheapestFirst(node.children).map((child) => this.compile(child)));
      case 'or': {
        const { groups, others } = this.#groupAlternatives(node.children);
        const texts = groups.map((group) => this.#compileText(group));
        return joinOr([...texts, ...others.map((child) => this.compile(child))]);
      }
      case 'not': {
        const test = this.compile(node.child);
        return (view) => !test(view);
      }
      default:
        return this.#compileComparison(node);
    }
  }

  /** Alternatives for one field become one test: the field is read once and whole values are found in a set. */
  #groupAlternatives(children: readonly DetectionNode[]): {
    readonly groups: readonly TextComparison[][];
    readonly others: readonly DetectionNode[];
  } {
    const groups = new Map<string, TextComparison[]>();
    const others: DetectionNode[] = [];
    for (const child of children) {
      if (child.type !== 'text') others.push(child);
      else {
        const key = `${this.slotOf(child.field)} ${child.cased}`;
        const group = groups.get(key);
        if (group === undefined) groups.set(key, [child]);
        else group.push(child);
      }
    }
    return { groups: [...groups.values()], others: cheapestFirst(others) };
  }

  /** @param group - comparisons of the same field and the same treatment of case. */
  #compileText(group: readonly TextComparison[]): EventTest {
    const [first] = group;
    if (first === undefined) return () => false;
    const slot = this.slotOf(first.field);
    const patterns = group.map(({ pattern, cased }) => (cased ? pattern : foldPattern(pattern)));
    const matches = anyPattern(patterns);
    return first.cased
      ? (view) => anyText(view.texts(slot), matches)
      : (view) => anyText(view.foldedTexts(slot), matches);
  }

  #compileComparison(node: Comparison): EventTest {
    if (node.type === 'text') return this.#compileText([node]);
    const slot = this.slotOf(node.field);
    switch (node.type) {
      case 'null':
        return (view) => view.content(slot).isNull;
      case 'exists':
        return (view) => view.content(slot).exists === node.expected;
      case 'regex':
        return (view) => view.search(slot, node.regex);
      case 'cidr':
        return (view) => anyText(view.texts(slot), (text) => isInNetwork(text, node.network));
      case 'number':
        return (view) =>
          anyText(view.texts(slot), (text) => {
            const value = readNumber(text);
            return value !== null && compareNumbers(value, node.operator, node.value);
          });
      case 'time':
        return (view) =>
          anyText(view.texts(slot), (text) => {
            const value = readTimePart(text, node.part);
            return value !== null && compareNumbers(value, node.operator, node.value);
          });
      case 'fieldref': {
        const other = this.slotOf(node.other);
        const read = node.cased
          ? (view: EventView, at: number) => view.texts(at)
          : (view: EventView, at: number) => view.foldedTexts(at);
        return (view) =>
          anyText(read(view, slot), (text) =>
            read(view, other).some((value) => relateText(text, node.relation, value)),
          );
      }
    }
  }
}

function anyPattern(patterns: readonly Pattern[]): TextTest {
  const whole = new Set<string>();
  const tests: TextTest[] = [];
  for (const pattern of patterns) {
    const shape = plainShapeOf(pattern);
    if (shape?.operation === 'equals' && patterns.length > 1) whole.add(shape.text);
    else tests.push(compilePattern(pattern));
  }
  const [only] = tests;
  if (tests.length === 1 && whole.size === 0 && only !== undefined) return only;
  if (tests.length === 0) return (text) => whole.has(text);
  return (text) => whole.has(text) || tests.some((test) => test(text));
}

function anyText(texts: readonly string[], test: TextTest): boolean {
  for (let index = 0; index < texts.length; index++) if (test(texts[index] ?? '')) return true;
  return false;
}

function joinAnd(tests: readonly EventTest[]): EventTest {
  return (view) => {
    for (const test of tests) if (!test(view)) return false;
    return true;
  };
}

function joinOr(tests: readonly EventTest[]): EventTest {
  const [only] = tests;
  if (tests.length === 1 && only !== undefined) return only;
  return (view) => {
    for (const test of tests) if (test(view)) return true;
    return false;
  };
}

/** The tests one after another until one answers so; a test yields behind itself. */
function untilInSteps(answer: boolean, tests: readonly EventTestInSteps[]): EventTestInSteps {
  return function* (view) {
    for (const test of tests) if ((yield* test(view)) === answer) return answer;
    return !answer;
  };
}

function asOneStep(test: EventTest): EventTestInSteps {
  return function* (view) {
    const answer = test(view);
    yield;
    return answer;
  };
}

/** What the comparison may take, see `PRICE_OF_LITERAL`. */
function priceOfComparison(node: Comparison): number {
  switch (node.type) {
    case 'null':
    case 'exists':
      return 0;
    case 'text': {
      const operation = plainShapeOf(node.pattern)?.operation ?? 'contains';
      // The others look at a text's beginning or end only.
      if (operation !== 'contains') return PRICE_OF_LITERAL / 10;
      return PRICE_OF_LITERAL + Math.ceil(markedLengthOf(node.pattern) / 5);
    }
    case 'regex':
      return Math.min(100, 2 * node.regex.size);
    case 'fieldref':
      // Each of a thousand values with each of a thousand.
      return 50;
    default:
      return PRICE_OF_LITERAL;
  }
}

function cheapestFirst(nodes: readonly DetectionNode[]): DetectionNode[] {
  return [...nodes].sort((left, right) => costOf(left) - costOf(right));
}

/** Rough price of a test, to ask the cheap questions first. Only the order matters; foldCase makes text the yardstick. */
function costOf(node: DetectionNode): number {
  switch (node.type) {
    case 'null':
    case 'exists':
      return 1;
    case 'text':
      return node.field === null ? 200 : plainShapeOf(node.pattern) === null ? 8 : 2;
    case 'number':
    case 'time':
    case 'cidr':
    case 'fieldref':
      return 5;
    case 'regex':
      return node.field === null ? 500 : 50;
    case 'not':
      return costOf(node.child);
    case 'and':
      return Math.min(
        500,
        node.children.reduce((least, child) => Math.min(least, costOf(child)), 500) + node.children.length,
      );
    case 'or':
      return Math.min(
        500,
        node.children.reduce((sum, child) => sum + costOf(child), 0),
      );
  }
}
