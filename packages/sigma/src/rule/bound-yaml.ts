/**
 * The size and nesting of a YAML text, told from its tokens. The parser's own work grows faster than its text, and it
 * recurses; the lexer's tokens come one at a time, so that a hostile text is left at the first token too many.
 */
import { CST, Lexer } from 'yaml';
import { LIMITS } from './limits.js';

/** @returns why the text is not to be parsed, or how many tokens it has when it keeps to the limits. */
export function countTokens(text: string): number | string {
  if (hasMoreLinesThan(text, LIMITS.lines))
    return `The rule has more than ${LIMITS.lines} lines; split it into several rules.`;
  const nesting = new Nesting();
  let tokens = 0;
  for (const token of new Lexer().lex(text)) {
    if (++tokens > LIMITS.yamlTokens)
      return `The rule has more than ${LIMITS.yamlTokens} YAML tokens; split it into several rules.`;
    if (nesting.after(token) > LIMITS.yamlDepth) return `The rule is nested deeper than ${LIMITS.yamlDepth} levels.`;
    // Each costs the parser an error of its own; the first would end the reading anyway.
    if (nesting.isUnbalanced) return 'The rule closes a bracket that it has not opened.';
  }
  return tokens;
}

function hasMoreLinesThan(text: string, limit: number): boolean {
  let lines = 1;
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) if (++lines > limit) return true;
  return false;
}

/** Counts what can nest: brackets, deeper indentation that holds a key, and `- - -` or `? ? ?` on one line. */
class Nesting {
  #flow = 0;
  #indent = 0;
  #isLineStart = true;
  #onLine = 0;
  readonly #indents: number[] = [];

  get isUnbalanced(): boolean {
    return this.#flow < 0;
  }

  after(token: string): number {
    const type = CST.tokenType(token);
    if (type === 'newline') {
      this.#isLineStart = true;
      this.#indent = 0;
      this.#onLine = 0;
      return 0;
    }
    if (this.#isLineStart && type === 'space') this.#indent = token.length;
    this.#isLineStart = false;
    if (type === 'flow-map-start' || type === 'flow-seq-start') this.#flow++;
    else if (type === 'flow-map-end' || type === 'flow-seq-end') this.#flow--;
    else if (this.#flow === 0) this.#countBlock(type);
    return this.#flow + this.#indents.length + this.#onLine;
  }

  #countBlock(type: CST.TokenType | null): void {
    if (type !== 'seq-item-ind' && type !== 'explicit-key-ind' && type !== 'map-value-ind') return;
    while ((this.#indents.at(-1) ?? -1) > this.#indent) this.#indents.pop();
    if (this.#indents.at(-1) !== this.#indent) this.#indents.push(this.#indent);
    if (type !== 'map-value-ind') this.#onLine++;
  }
}
