/**
 * Aho and Corasick's automaton: finds all of many literals in one pass over a text (CACM 18/6, 1975). Rows are dense;
 * to keep them short, characters outside ASCII share 64 classes and long literals count by their beginning only. Both
 * may report a literal that is not there, never miss one that is.
 */

/** Cells of the transition table, 4 bytes each. Literals are cut shorter until the table fits. */
const MAX_CELLS = 8 * 1024 * 1024;
const MAX_LITERAL_LENGTH = 32;
const NON_ASCII_CLASSES = 64;
const KEYS = 128 + NON_ASCII_CLASSES;

export class AhoCorasick {
  /** Class of each character key; 0 for characters that no literal has. */
  readonly #classOfKey = new Uint8Array(KEYS);
  readonly #classes: number;
  /** Row of the next state by row and class; rows are multiples of the class count. */
  readonly #next: Int32Array;
  /** Literals that end in a state, by state number. */
  readonly #outputs: (readonly number[] | undefined)[] = [];

  /** @param literals - none empty; `scan` reports their indices. */
  constructor(literals: readonly string[]) {
    let classes = 1;
    for (const literal of literals)
      for (const key of keysOf(literal.slice(0, MAX_LITERAL_LENGTH)))
        if (this.#classOfKey[key] === 0) this.#classOfKey[key] = classes++;
    this.#classes = classes;
    let trie = new Trie(literals, MAX_LITERAL_LENGTH);
    for (let length = MAX_LITERAL_LENGTH; trie.size * classes > MAX_CELLS && length > 1; ) {
      length >>= 1;
      trie = new Trie(literals, length);
    }
    this.#next = this.#link(trie);
  }

  /** Calls `report` with each literal found and the index behind its end; a literal may be reported several times. */
  scan(text: string, report: (literal: number, end: number) => void): void {
    let row = 0;
    for (let index = 0; index < text.length; index++) {
      row = this.#next[row + (this.#classOfKey[keyOf(text.charCodeAt(index))] ?? 0)] ?? 0;
      if (row === 0) continue;
      const found = this.#outputs[row / this.#classes];
      if (found !== undefined) for (const literal of found) report(literal, index + 1);
    }
  }

  /** Breadth first: a state's failure state is nearer to the root, so its row is already complete. */
  #link(trie: Trie): Int32Array {
    const classes = this.#classes;
    const next = new Int32Array(trie.size * classes);
    const failure = new Int32Array(trie.size);
    const queue = [0];
    for (let head = 0; head < queue.length; head++) {
      const state = queue[head] ?? 0;
      const fallback = failure[state] ?? 0;
      const row = state * classes;
      if (state !== 0) next.copyWithin(row, fallback * classes, (fallback + 1) * classes);
      const own = trie.endsAt(state);
      const inherited = state === 0 ? undefined : this.#outputs[fallback];
      if (own !== undefined || inherited !== undefined) this.#outputs[state] = [...(own ?? []), ...(inherited ?? [])];
      for (const [key, child] of trie.childrenOf(state)) {
        const cell = row + (this.#classOfKey[key] ?? 0);
        failure[child] = state === 0 ? 0 : (next[cell] ?? 0) / classes;
        next[cell] = child * classes;
        queue.push(child);
      }
    }
    return next;
  }
}

function keyOf(code: number): number {
  return code < 128 ? code : 128 + (code % NON_ASCII_CLASSES);
}

function keysOf(literal: string): number[] {
  return Array.from({ length: literal.length }, (_, index) => keyOf(literal.charCodeAt(index)));
}

class Trie {
  readonly #children: Map<number, number>[] = [new Map()];
  readonly #ends = new Map<number, number[]>();

  constructor(literals: readonly string[], maxLength: number) {
    for (const [index, literal] of literals.entries()) {
      let state = 0;
      for (const key of keysOf(literal.slice(0, maxLength))) state = this.#child(state, key);
      const ends = this.#ends.get(state);
      if (ends === undefined) this.#ends.set(state, [index]);
      else ends.push(index);
    }
  }

  get size(): number {
    return this.#children.length;
  }

  childrenOf(state: number): ReadonlyMap<number, number> {
    return this.#children[state] ?? new Map();
  }

  endsAt(state: number): readonly number[] | undefined {
    return this.#ends.get(state);
  }

  #child(state: number, key: number): number {
    const children = this.#children[state];
    const known = children?.get(key);
    if (known !== undefined) return known;
    const child = this.#children.push(new Map()) - 1;
    children?.set(key, child);
    return child;
  }
}
