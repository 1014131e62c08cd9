import { LIMITS } from '../rule/limits.js';
import { refuse, type SourcePosition } from '../rule/rule-error.js';
import type { Placeholders } from './expand-placeholders.js';

/** What the parts of one rule share while it is read. */
export class RuleScope {
  #regexProgram = 0;

  constructor(readonly placeholders: Placeholders) {}

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
