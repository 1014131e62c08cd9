/**
 * Aho and Corasick's automaton: finds all of many literals in one pass over a text (CACM 18/6, 1975). Rows are dense;
 * to keep them short, characters outside ASCII share 64 classes and long literals count by their beginning only. Both
 * may report a literal that is not there, never miss one that is. A literal stands in one state only, however many states
 * end with it, so that beside the rows memory is linear in the literals, whichever characters share a class.
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
  /** Literals that end in a state and nowhere behind it, by state number. What ends with them is reached by `#suffix`. */
  #ends: ReadonlyMap<number, readonly number[]> = new Map();
  /** The first state with ends of a state itself, its failure state, that one's and so on; 0 for none. */
  #nearest = new Int32Array();
  /** The same without the state itself. */
  #suffix = new Int32Array();
  /** Characters from the root to a state. */
  #depth = new Uint8Array();

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
    yield* automaton.#link(trie);
    return automaton;
  }

  /** Size of the transition table. */
  get cells(): number {
    return this.#next.length;
  }

  /**
   * Calls `report` with each literal found in any of the texts, and once more where it is found at the start of one; not twice
   * with the same two.
   */
  scan(texts: readonly string[], report: (literal: number, isAtStart: boolean) => void): void {
    const next = this.#next;
    const nearest = this.#nearest;
    const classes = this.#classes;
    const classOfKey = this.#classOfKey;
    // A hostile field reaches one state at each of its characters, and a hostile rule has thousands of literals end there.
    let told: Told | undefined;
    for (const text of texts) {
      let row = 0;
      for (let index = 0; index < text.length; index++) {
        row = next[row + (classOfKey[keyOf(text.charCodeAt(index))] ?? 0)] ?? 0;
        if (row === 0) continue;
        const state = nearest[row / classes] ?? 0;
        if (state === 0) continue;
        told ??= new Told();
        this.#tell(state, index + 1, told, report);
      }
    }
  }

  /** A state that was told has been told with all that end with it. */
  #tell(nearest: number, end: number, told: Told, report: (literal: number, isAtStart: boolean) => void): void {
    // Only the longest can begin where the text does: the others begin behind it.
    if (this.#depth[nearest] === end && told.addAtStart(nearest))
      for (const literal of this.#ends.get(nearest) ?? []) report(literal, true);
    for (let state = nearest; state !== 0 && told.addAnywhere(state); state = this.#suffix[state] ?? 0)
      for (const literal of this.#ends.get(state) ?? []) report(literal, false);
  }

  /** Breadth first: a state's failure state is nearer to the root, so its row and links are already complete. */
  *#link(trie: Trie): Steps<void> {
    const classes = this.#classes;
    const next = new Int32Array(trie.size * classes);
    const failure = new Int32Array(trie.size);
    const nearest = new Int32Array(trie.size);
    const suffix = new Int32Array(trie.size);
    const depth = new Uint8Array(trie.size);
    const queue = [0];
    for (let head = 0; head < queue.length; head++) {
      const state = queue[head] ?? 0;
      const fallback = failure[state] ?? 0;
      const row = state * classes;
      if (state !== 0) next.copyWithin(row, fallback * classes, (fallback + 1) * classes);
      suffix[state] = nearest[fallback] ?? 0;
      nearest[state] = trie.ends.has(state) ? state : (suffix[state] ?? 0);
      for (const [key, child] of trie.childrenOf(state)) {
        const cell = row + (this.#classOfKey[key] ?? 0);
        failure[child] = state === 0 ? 0 : (next[cell] ?? 0) / classes;
        depth[child] = (depth[state] ?? 0) + 1;
        next[cell] = child * classes;
        queue.push(child);
      }
      if (head % PER_STEP === 0) yield;
    }
    this.#next = next;
    this.#ends = trie.ends;
    this.#nearest = nearest;
    this.#suffix = suffix;
    this.#depth = depth;
  }
}

/** States whose literals were told. */
class Told {
  #anywhere: Set<number> | undefined;
  #atStart: Set<number> | undefined;

  /** @returns whether it is new. */
  addAnywhere(state: number): boolean {
    this.#anywhere ??= new Set();
    return addNew(this.#anywhere, state);
  }

  /** @returns whether it is new. */
  addAtStart(state: number): boolean {
    this.#atStart ??= new Set();
    return addNew(this.#atStart, state);
  }
}

function addNew(states: Set<number>, state: number): boolean {
  if (states.has(state)) return false;
  states.add(state);
  return true;
}

function keyOf(code: number): number {
  return code < 128 ? code : 128 + (code % NON_ASCII_CLASSES);
}

function keysOf(literal: string): number[] {
  return Array.from({ length: literal.length }, (_, index) => keyOf(literal.charCodeAt(index)));
}

class Trie {
  readonly #children: Map<number, number>[] = [new Map()];
  /** Literals by the state that they end in. */
  readonly ends = new Map<number, number[]>();

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
    const ends = this.ends.get(state);
    if (ends === undefined) this.ends.set(state, [index]);
    else ends.push(index);
  }

  get size(): number {
    return this.#children.length;
  }

  childrenOf(state: number): ReadonlyMap<number, number> {
    return this.#children[state] ?? new Map();
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
