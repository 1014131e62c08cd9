/** Logic trees as closures over an event view. */
import type { Comparison, DetectionNode, TextComparison } from '../detection/detection-node.js';
import { isInNetwork } from '../pattern/cidr.js';
import { compilePattern, plainShapeOf, type TextTest } from '../pattern/compile-pattern.js';
import { compareNumbers, readNumber } from '../pattern/numbers.js';
import { foldPattern, type Pattern } from '../pattern/pattern.js';
import { relateText } from '../pattern/relate-text.js';
import { readTimePart } from '../pattern/time-part.js';
import type { EventView } from './event-view.js';

export type EventTest = (view: EventView) => boolean;
/** The number of a Sigma field in the event view; null for keywords. */
export type SlotOf = (field: string | null) => number;

export function compileDetection(node: DetectionNode, slotOf: SlotOf): EventTest {
  return new Compiler(slotOf).compile(node);
}

class Compiler {
  /** A selection that the condition names often is compiled once. */
  readonly #compiled = new Map<DetectionNode, EventTest>();

  constructor(private readonly slotOf: SlotOf) {}

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
        return joinAnd(
          [...node.children].sort((left, right) => costOf(left) - costOf(right)).map((child) => this.compile(child)),
        );
      case 'or':
        return joinOr(this.#compileAlternatives(node.children));
      case 'not': {
        const test = this.compile(node.child);
        return (view) => !test(view);
      }
      default:
        return this.#compileComparison(node);
    }
  }

  /** Alternatives for one field become one test: the field is read once and whole values are found in a set. */
  #compileAlternatives(children: readonly DetectionNode[]): EventTest[] {
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
    const texts = [...groups.values()].map((group) => this.#compileText(group));
    return [
      ...texts,
      ...others.sort((left, right) => costOf(left) - costOf(right)).map((child) => this.compile(child)),
    ];
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
        return (view) => anyText(view.texts(slot), (text) => node.regex.test(text));
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
