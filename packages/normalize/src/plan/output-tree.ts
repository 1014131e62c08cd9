import { type JsonText, quote } from '../json/json-value.js';

interface OutputNode {
  readonly key: string;
  readonly keyToken: JsonText;
  /** Index of the cell that holds the value; negative for an object. */
  readonly slot: number;
  readonly children: OutputNode[];
}

/** A place in the output that two fields claim in incompatible ways, e.g. `user` and `user.name`. */
export class OutputConflictError extends Error {
  override readonly name = 'OutputConflictError';
}

/**
 * The nested form of an event, known before any event is: each target path has a slot, nodes are sorted by the UTF-16
 * code units of their keys, so writing is one walk that skips what is empty.
 */
export class OutputTree {
  readonly #root: OutputNode = { key: '', keyToken: '', slot: -1, children: [] };
  #slots = 0;

  get slots(): number {
    return this.#slots;
  }

  /**
   * @param path - dotted, e.g. `process.parent.pid`.
   * @returns the slot of the path, the same for every call.
   * @throws OutputConflictError if the path is a parent or child of another one with a slot.
   */
  slotFor(path: string): number {
    const keys = path.split('.');
    const leaf = keys.pop() as string;
    let node = this.#root;
    for (const key of keys) node = this.#childOf(node, key, path);
    const known = node.children.find((child) => child.key === leaf);
    if (known === undefined) return insertSorted(node.children, leaf, this.#slots++).slot;
    if (known.slot < 0) throw new OutputConflictError(`"${path}" is an object already`);
    return known.slot;
  }

  /** Whether `slotFor` would find or make a slot for the path. */
  hasRoomFor(path: string): boolean {
    let node = this.#root;
    for (const key of path.split('.')) {
      if (node.slot >= 0) return false;
      const child = node.children.find((candidate) => candidate.key === key);
      if (child === undefined) return true;
      node = child;
    }
    return node.slot >= 0;
  }

  /**
   * @param cells - canonical text per slot; the empty text, or a missing one, leaves the field out.
   */
  write(cells: readonly (JsonText | undefined)[]): JsonText {
    return writeNode(this.#root, cells) || '{}';
  }

  #childOf(node: OutputNode, key: string, path: string): OutputNode {
    const child = node.children.find((candidate) => candidate.key === key) ?? insertSorted(node.children, key, -1);
    if (child.slot >= 0) throw new OutputConflictError(`"${path}" lies below a field that has a value`);
    return child;
  }
}

function insertSorted(nodes: OutputNode[], key: string, slot: number): OutputNode {
  const node: OutputNode = { key, keyToken: `${quote(key)}:`, slot, children: [] };
  const index = nodes.findIndex((other) => other.key > key);
  nodes.splice(index < 0 ? nodes.length : index, 0, node);
  return node;
}

function writeNode(node: OutputNode, cells: readonly (JsonText | undefined)[]): JsonText {
  let text = '';
  for (const child of node.children) {
    const value = child.slot < 0 ? writeNode(child, cells) : cells[child.slot];
    if (value === undefined || value === '') continue;
    text += text === '' ? `{${child.keyToken}` : `,${child.keyToken}`;
    text += value;
  }
  return text === '' ? '' : `${text}}`;
}
