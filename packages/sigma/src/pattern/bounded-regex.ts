/**
 * A regular expression of RE2 with bounds on what a search may cost. RE2JS searches with a DFA first, whose states it makes as
 * the text asks for them, and goes through the text with all threads at once when they become too many. The one bound is on
 * the memory for states, the other on the threads' work: instructions times text.
 */
import { RE2JS } from 're2js';
import { MAX_FIELD_LENGTH } from '../event/event-document.js';

/**
 * Instructions of an expression that searches a field to its end: whoever could pad the field in front would else evade the rule. The
 * largest expression of the public rules has 152.
 */
export const FULL_REACH_SIZE = 160;
/**
 * Instructions times UTF-16 units of one search. The slowest found by `regex-cost.spec.ts`, which prints what they take, are classes
 * of hundreds of ranges that keep all threads alive.
 */
const MAX_WORK = FULL_REACH_SIZE * MAX_FIELD_LENGTH;
/** Of the DFA per instruction. The 8 MiB that RE2JS takes else would be nowhere in a rule's weight, and take longer to fill. */
const DFA_BYTES_PER_INSTRUCTION = 512;

export class BoundedRegex {
  /** Instructions of the program. */
  readonly size: number;
  /** UTF-16 units of a field's texts together that are searched. */
  readonly reach: number;
  #isBounded = false;

  private constructor(private readonly regex: RE2JS) {
    this.size = regex.programSize();
    this.reach = Math.min(MAX_FIELD_LENGTH, Math.floor(MAX_WORK / this.size));
  }

  /** @param flags - of RE2JS. @throws RE2JSException when it is none. */
  static compile(source: string, flags: number): BoundedRegex {
    return new BoundedRegex(RE2JS.compile(source, flags));
  }

  /** Whether it is found in any of the texts, as far as it reaches. */
  findsIn(texts: readonly string[]): boolean {
    if (!this.#isBounded) this.#boundDfa();
    let left = this.reach;
    for (const text of texts) {
      if (left === 0 && text !== '') return false;
      if (this.regex.test(text.length > left ? text.slice(0, left) : text)) return true;
      left = Math.max(0, left - text.length);
    }
    return false;
  }

  /** Not before the first search: asking for the DFA makes its tables. */
  #boundDfa(): void {
    const { dfa } = this.regex.re2Input;
    dfa.stateBudget = this.size * DFA_BYTES_PER_INSTRUCTION;
    dfa.memBudget = dfa.stateBudget;
    this.#isBounded = true;
  }
}
