/**
 * The condition of a rule: and, or, not, parentheses and quantifiers over selection names, by recursive descent.
 * Precedence from loose to tight: or, and, not.
 *
 * @see https://github.com/SigmaHQ/sigma-specification, "Condition"
 */
import { compilePattern } from '../pattern/compile-pattern.js';
import type { PatternToken } from '../pattern/pattern.js';
import { LIMITS } from '../rule/limits.js';
import { refuse, type SourcePosition } from '../rule/rule-error.js';
import { allOf, anyOf, type DetectionNode } from './detection-node.js';

export type Selections = ReadonlyMap<string, DetectionNode>;

/** Words that mean something in a condition and so cannot name a selection. */
export const RESERVED_WORDS: ReadonlySet<string> = new Set(['and', 'or', 'not', 'of', 'them']);

/**
 * @param selections - every search identifier of the rule by name.
 * @throws Refusal INVALID_CONDITION, TOO_COMPLEX, or UNSUPPORTED for the aggregations of Sigma 1.
 */
export function parseCondition(
  text: string,
  selections: Selections,
  position: SourcePosition,
  path: string,
): DetectionNode {
  if (text.length > LIMITS.conditionLength)
    refuse(position, 'TOO_COMPLEX', path, `The condition is longer than ${LIMITS.conditionLength} characters.`);
  if (text.includes('|'))
    refuse(position, 'UNSUPPORTED', path, 'Aggregations behind "|" were removed in Sigma 2; write a correlation rule.');
  return new ConditionParser(splitTokens(text), selections, position, path).parse();
}

function splitTokens(text: string): string[] {
  return text.match(/[()]|[^\s()]+/g) ?? [];
}

class ConditionParser {
  #next = 0;
  #depth = 0;
  #namesLookedAt = 0;

  constructor(
    private readonly tokens: readonly string[],
    private readonly selections: Selections,
    private readonly position: SourcePosition,
    private readonly path: string,
  ) {}

  parse(): DetectionNode {
    if (this.tokens.length === 0) this.#fail('The condition is empty; name at least one selection.');
    const node = this.#parseOr();
    const rest = this.tokens[this.#next];
    if (rest !== undefined)
      this.#fail(rest === ')' ? 'There is a ")" without its "(".' : `"and" or "or" is missing before "${rest}".`);
    return node;
  }

  #parseOr(): DetectionNode {
    const children = [this.#parseAnd()];
    while (this.#take('or')) children.push(this.#parseAnd());
    return anyOf(children);
  }

  #parseAnd(): DetectionNode {
    const children = [this.#parseNot()];
    while (this.#take('and')) children.push(this.#parseNot());
    return allOf(children);
  }

  #parseNot(): DetectionNode {
    if (!this.#take('not')) return this.#parsePrimary();
    return { type: 'not', child: this.#nested(() => this.#parseNot()) };
  }

  #parsePrimary(): DetectionNode {
    const token = this.tokens[this.#next];
    if (token === undefined) this.#fail('The condition ends where a selection is expected.');
    this.#next++;
    if (token === '(') {
      const node = this.#nested(() => this.#parseOr());
      if (!this.#take(')')) this.#fail('There is a "(" without its ")".');
      return node;
    }
    if (this.#take('of')) return this.#parseQuantifier(token);
    if (token === ')' || RESERVED_WORDS.has(token.toLowerCase()))
      this.#fail(`"${token}" stands where a selection is expected.`);
    return this.selections.get(token) ?? this.#fail(`There is no selection "${token}". Defined: ${this.#listNames()}.`);
  }

  #parseQuantifier(quantifier: string): DetectionNode {
    const target = this.tokens[this.#next++];
    if (target === undefined) this.#fail(`"${quantifier} of" needs "them" or a pattern of selection names.`);
    const nodes = this.#selectionsOf(target);
    switch (quantifier.toLowerCase()) {
      case '1':
      case 'any':
        return anyOf(nodes);
      case 'all':
        return allOf(nodes);
      default:
        return this.#fail(`"${quantifier} of" is no quantifier; Sigma has "1 of" and "all of".`);
    }
  }

  /** `them` leaves out names with a leading underscore, by convention of the specification. */
  #selectionsOf(target: string): DetectionNode[] {
    this.#namesLookedAt += this.selections.size;
    if (this.#namesLookedAt > LIMITS.comparisons)
      refuse(
        this.position,
        'TOO_COMPLEX',
        this.path,
        'The condition has too many quantifiers over too many selections.',
      );
    const isThem = target.toLowerCase() === 'them';
    const matchesName = isThem ? (name: string) => !name.startsWith('_') : compilePattern(readNamePattern(target));
    const nodes = [...this.selections].filter(([name]) => matchesName(name)).map(([, node]) => node);
    if (nodes.length === 0)
      this.#fail(
        isThem
          ? 'There is no selection that "them" could mean.'
          : `No selection is named like "${target}". Defined: ${this.#listNames()}.`,
      );
    return nodes;
  }

  #nested<Result>(parse: () => Result): Result {
    if (++this.#depth > LIMITS.conditionDepth)
      refuse(
        this.position,
        'TOO_COMPLEX',
        this.path,
        `The condition is nested deeper than ${LIMITS.conditionDepth} levels.`,
      );
    const result = parse();
    this.#depth--;
    return result;
  }

  #take(word: string): boolean {
    if (this.tokens[this.#next]?.toLowerCase() !== word) return false;
    this.#next++;
    return true;
  }

  #listNames(): string {
    return [...this.selections.keys()].slice(0, 20).join(', ');
  }

  #fail(message: string): never {
    refuse(this.position, 'INVALID_CONDITION', this.path, message);
  }
}

/** Names know only the star; anything else is itself. */
function readNamePattern(text: string): PatternToken[] {
  return text
    .split(/(\*)/)
    .filter((part) => part !== '')
    .map((part) => (part === '*' ? { type: 'run' } : { type: 'literal', text: part }));
}
