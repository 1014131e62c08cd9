import { JsonObject, type JsonText, type JsonValue, writeCanonical, writeMembers } from '../json/json-value.js';
import type { ObjectShape } from '../json/object-shape.js';

/** What was found in one document. */
export interface Harvest {
  /** Per slot the value at its path. */
  readonly values: (JsonValue | undefined)[];
  /** Pairs of output cell and canonical text, of members that keep their place. */
  readonly kept: [cell: number, text: JsonText][];
  /** Canonical object of the event's own parameters; empty if there are none. */
  data: JsonText;
  /** Canonical object of everything that no path leads to, at its original place; empty if there is nothing. */
  rest: JsonText;
}

/** What happens to a member that may keep its place in the event. */
export interface Keeper {
  /** @returns nothing if the value is not what the place wants. */
  readonly convert: (value: JsonValue) => JsonText | undefined;
  /** Cell of the place in the output; made when it is first needed, as most places never are. */
  readonly cell: () => number;
}

/** A member whose place in the sorted rest is fixed by the shape. `node` is set if paths lead into it. */
interface Leftover {
  readonly member: number;
  readonly keyToken: JsonText;
  readonly node: SourceNode | undefined;
}

/** How to read objects of one shape at one node. */
interface Reading {
  /** Pairs: member, slot. */
  readonly picks: readonly number[];
  readonly leftovers: readonly Leftover[];
  readonly dataMembers: readonly number[];
}

const NO_KEYS: ReadonlySet<string> = new Set();

class SourceNode {
  readonly children = new Map<string, SourceNode>();
  wildcard: SourceNode | undefined;
  slot = -1;
  keeper: Keeper | undefined;
  /** Whether the object here is the event's own parameters. */
  isData = false;
  /** Keys that are not parameters although they stand beside them. */
  except: ReadonlySet<string> = NO_KEYS;
  /** Shapes come and go with their cache; so do the readings. Made when needed, as most nodes never meet an object. */
  #readings: WeakMap<ObjectShape, Reading> | undefined;

  childFor(key: string): SourceNode {
    if (key === '*') {
      this.wildcard ??= new SourceNode();
      return this.wildcard;
    }
    const child = this.children.get(key) ?? new SourceNode();
    this.children.set(key, child);
    return child;
  }

  readingOf(shape: ObjectShape): Reading {
    this.#readings ??= new WeakMap();
    const known = this.#readings.get(shape);
    if (known !== undefined) return known;
    const reading = this.#createReading(shape);
    this.#readings.set(shape, reading);
    return reading;
  }

  #createReading(shape: ObjectShape): Reading {
    const picks: number[] = [];
    const leftovers: Leftover[] = [];
    const dataMembers: number[] = [];
    for (const member of shape.sortedMembers) {
      const key = shape.keys[member] as string;
      const child = this.children.get(key);
      if (child !== undefined && child.slot >= 0) picks.push(member, child.slot);
      const isParameter = this.isData && !this.except.has(key);
      const hasInner =
        child !== undefined &&
        (child.children.size > 0 || child.wildcard !== undefined || child.isData || child.keeper !== undefined);
      if (isParameter) dataMembers.push(member);
      else if (child === undefined || hasInner) {
        leftovers.push({ member, keyToken: shape.keyTokens[member] as JsonText, node: child });
      }
    }
    return { picks, leftovers, dataMembers };
  }
}

/** The paths a plan reads, merged, so that one walk over the document finds them all. */
export class SourceTree {
  readonly #root = new SourceNode();
  #slots = 0;

  /**
   * @param path - dotted; each part a key, or `*` for the first member that is an object.
   * @returns the slot of its value, the same for every call with this path.
   */
  slotFor(path: string): number {
    const node = this.#nodeAt(path);
    if (node.slot < 0) node.slot = this.#slots++;
    return node.slot;
  }

  /** @param except - keys of that object which are not parameters of the event. */
  markData(path: string, except: readonly string[]): void {
    const node = this.#nodeAt(path);
    node.isData = true;
    node.except = new Set(except);
  }

  /** @param path - its value keeps its place in the event if it is what that place wants. */
  markKept(path: string, keeper: Keeper): void {
    this.#nodeAt(path).keeper = keeper;
  }

  /** Reads the slots only: no data, no rest, no `*`. For a few slots this is cheaper than `gather`. */
  pick(document: JsonObject): (JsonValue | undefined)[] {
    const values: (JsonValue | undefined)[] = new Array(this.#slots);
    pickFrom(this.#root, document, values);
    return values;
  }

  gather(document: JsonObject): Harvest {
    const harvest: Harvest = { values: new Array(this.#slots), kept: [], data: '', rest: '' };
    harvest.rest = gatherObject(this.#root, document, harvest);
    return harvest;
  }

  #nodeAt(path: string): SourceNode {
    if (path === '') return this.#root;
    return path.split('.').reduce((node, key) => node.childFor(key), this.#root);
  }
}

function pickFrom(node: SourceNode, object: JsonObject, values: (JsonValue | undefined)[]): void {
  for (const [key, child] of node.children) {
    const value = object.get(key);
    if (child.slot >= 0) values[child.slot] = value;
    if (value instanceof JsonObject) pickFrom(child, value, values);
  }
}

/** @returns the rest of this object, empty if every member has been used. */
function gatherObject(node: SourceNode, object: JsonObject, harvest: Harvest): JsonText {
  const { values } = object;
  const { picks, leftovers, dataMembers } = node.readingOf(object.shape);
  for (let index = 0; index < picks.length; index += 2) {
    harvest.values[picks[index + 1] as number] = values[picks[index] as number] as JsonValue;
  }
  if (dataMembers.length > 0) {
    // A document with two sets of parameters keeps the second among the rest.
    if (harvest.data !== '') return writeCanonical(object);
    harvest.data = writeMembers(object, dataMembers);
  }
  let wildcard = node.wildcard;
  let rest = '';
  for (const { member, keyToken, node: child } of leftovers) {
    const value = values[member] as JsonValue;
    let text: JsonText;
    if (child === undefined && wildcard !== undefined && value instanceof JsonObject && keyToken.charAt(1) !== '#') {
      text = gatherObject(wildcard, value, harvest);
      wildcard = undefined;
    } else {
      text = gatherLeftover(value, child, harvest);
    }
    if (text === '') continue;
    rest += rest === '' ? `{${keyToken}:` : `,${keyToken}:`;
    rest += text;
  }
  return rest === '' ? '' : `${rest}}`;
}

function gatherLeftover(value: JsonValue, child: SourceNode | undefined, harvest: Harvest): JsonText {
  if (child === undefined) return writeCanonical(value);
  if (child.keeper !== undefined && keep(value, child.keeper, harvest)) return '';
  if (value instanceof JsonObject) return gatherObject(child, value, harvest);
  // A scalar where paths expect an object: kept unless a slot took it; null says nothing.
  return child.slot >= 0 || value === 'null' ? '' : writeCanonical(value);
}

function keep(value: JsonValue, keeper: Keeper, harvest: Harvest): boolean {
  const text = keeper.convert(value);
  if (text === undefined) return false;
  harvest.kept.push([keeper.cell(), text]);
  return true;
}
