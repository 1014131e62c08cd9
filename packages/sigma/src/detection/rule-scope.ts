import { LIMITS } from '../rule/limits.js';
import { refuse, type SourcePosition } from '../rule/rule-error.js';
import type { Placeholders } from './expand-placeholders.js';

/** What the parts of one rule share while it is read. */
export class RuleScope {
  #regexProgram = 0;
  #regexText = 0;
  #repetitions = 0;
  #patternParts = 0;

  constructor(readonly placeholders: Placeholders) {}

  /** Instructions of the regular expressions booked so far. */
  get regexProgram(): number {
    return this.#regexProgram;
  }

  /** @throws Refusal TOO_COMPLEX when the rule's patterns together exceed the limit. */
  bookPattern(parts: number, position: SourcePosition, path: string): void {
    this.#patternParts += parts;
    if (this.#patternParts > LIMITS.patternParts)
      refuse(position, 'TOO_COMPLEX', path, 'The values of the rule have too many wildcards and dashes; split it.');
  }

  /**
   * Before an expression is compiled: a class such as `\pL` and a repetition such as `{1000}` are short, and long to compile.
   *
   * @throws Refusal TOO_COMPLEX when the rule's expressions together exceed the limit.
   */
  bookRegexText(text: string, position: SourcePosition, path: string): void {
    this.#regexText += text.length;
    for (const [, times] of text.matchAll(/(?<!\\)\{(\d{1,9})/g)) this.#repetitions += Number(times);
    if (this.#regexText > LIMITS.regexText || this.#repetitions > LIMITS.regexProgram)
      refuse(
        position,
        'TOO_COMPLEX',
        path,
        'The regular expressions of the rule are too large; shorten them and repetitions like {1000}.',
      );
  }

  /**
   * Books the size of a compiled regular expression.
   *
   * Regular expressions run in time proportional to the length of the text times this size, so it is the rule that
   * has to stay small, not only each of its expressions.
   *
   * @throws Refusal TOO_COMPLEX when the rule's expressions together exceed the limit.
   */
  bookRegex(size: number, position: SourcePosition, path: string): void {
    this.#regexProgram += size;
    if (this.#regexProgram > LIMITS.regexProgram)
      refuse(
        position,
        'TOO_COMPLEX',
        path,
        'The regular expressions of the rule are too large; shorten repetitions like {1000}.',
      );
  }
}
