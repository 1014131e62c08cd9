/**
 * Aho and Corasick's automaton: finds all of many literals in one pass over a text (CACM 18/6, 1975). Rows are dense;
 * to keep them short, characters outside ASCII share 64 classes and long literals count by their beginning only. Both
 * may report a literal that is not there, never miss one that is.
 */
import type { Steps } from './steps.js';

const MAX_LITERAL_LENGTH = 32;
const NON_ASCII_CLASSES = 64;
const KEYS = 128 + NON_ASCII_CLASSES;
/** States or literals that one step deals with. */
const PER_STEP = 500;

export class AhoCorasick {
  /** Class of each character key; 0 for characters that no literal has. */
  readonly #classOfKey: Uint8Array;
  readonly #classes: number;
  /** Row of the next state by row and class; rows are multiples of the class count. */
  #next = new Int32Array();
  /** Literals that end in a state, by state number. */
  readonly #outputs: (readonly number[] | undefined)[] = [];

  private constructor(classOfKey: Uint8Array, classes: number) {
    this.#classOfKey = classOfKey;
    this.#classes = classes;
  }

  /**
   * @param literals - none empty; `scan` reports their indices.
   * @param maxCells - of the transition table, 4 bytes each: literals are cut shorter until it fits.
   * @returns nothing when it does not fit even literals of one character.
   */
  static *build(literals: readonly string[], maxCells: number): Steps<AhoCorasick | undefined> {
    const classOfKey = new Uint8Array(KEYS);
    let classes = 1;
    for (const [index, literal] of literals.entries()) {
      for (const key of keysOf(literal.slice(0, MAX_LITERAL_LENGTH)))
        if (classOfKey[key] === 0) classOfKey[key] = classes++;
      if (index % PER_STEP === 0) yield;
    }
    const maxStates = Math.floor(maxCells / classes);
    let trie: Trie | undefined;
    for (let length = MAX_LITERAL_LENGTH; trie === undefined && length > 0; length >>= 1)
      trie = yield* Trie.build(literals, length, maxStates);
    if (trie === undefined) return undefined;
    const automaton = new AhoCorasick(classOfKey, classes);
    automaton.#next = yield* automaton.#link(trie);
    return automaton;
  }

  /** Size of the transition table. */
  get cells(): number {
    return this.#next.length;
  }

  /** Calls `report` with each literal found and the index behind its first end; not twice with the same two. */
  scan(text: string, report: (literal: number, end: number) => void): void {
    let row = 0;
    // A hostile text reaches one state at each of its characters, and a hostile rule has thousands of literals end there.
    let told: Set<number> | undefined;
    for (let index = 0; index < text.length; index++) {
      row = this.#next[row + (this.#classOfKey[keyOf(text.charCodeAt(index))] ?? 0)] ?? 0;
      if (row === 0) continue;
      const found = this.#outputs[row / this.#classes];
      if (found === undefined || told?.has(row)) continue;
      told ??= new Set();
      told.add(row);
      for (const literal of found) report(literal, index + 1);
    }
  }

  /** Breadth first: a state's failure state is nearer to the root, so its row is already complete. */
  *#link(trie: Trie): Steps<Int32Array<ArrayBuffer>> {
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
      if (head % PER_STEP === 0) yield;
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

  /** @returns nothing when it would have more states: the rest of it is not made. */
  static *build(literals: readonly string[], maxLength: number, maxStates: number): Steps<Trie | undefined> {
    const trie = new Trie();
    for (const [index, literal] of literals.entries()) {
      trie.#add(literal.slice(0, maxLength), index);
      if (trie.size > maxStates) return undefined;
      if (index % PER_STEP === 0) yield;
    }
    return trie;
  }

  #add(literal: string, index: number): void {
    let state = 0;
    for (const key of keysOf(literal)) state = this.#child(state, key);
    const ends = this.#ends.get(state);
    if (ends === undefined) this.#ends.set(state, [index]);
    else ends.push(index);
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
