/**
 * Merkle trees over append-only logs (RFC 9162, section 2.1; SHA-256).
 *
 * A tree is carried as its compact range: the roots of the perfect subtrees that its leaves fill, largest first. That is all
 * that is needed to append and to tell the root, whatever the size of the log.
 */
import { createHash } from 'node:crypto';

export const HASH_BYTES = 32;

/** The hash of one entry: SHA-256(0x00 || entry). */
export function leafHash(entry: Uint8Array): Buffer {
  return createHash('sha256').update(LEAF).update(entry).digest();
}

/** The root of the tree that has no leaf. */
const EMPTY_ROOT: Buffer = createHash('sha256').digest();

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash('sha256').update(NODE).update(left).update(right).digest();
}

/** A growing tree. */
export class MerkleTree {
  readonly #range: Buffer[];
  #size: number;

  /**
   * @param size - leaves so far.
   * @param range - as {@link MerkleTree.range} gave it at that size.
   * @throws RangeError when the two do not belong together.
   */
  constructor(size = 0, range: Uint8Array = Buffer.alloc(0)) {
    if (range.byteLength !== countOnes(size) * HASH_BYTES)
      throw new RangeError(`a tree of ${size} leaves has no range of ${range.byteLength} bytes`);
    this.#size = size;
    this.#range = Array.from({ length: range.byteLength / HASH_BYTES }, (_, index) =>
      Buffer.from(range.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES)),
    );
  }

  get size(): number {
    return this.#size;
  }

  /** The compact range: one hash of {@link HASH_BYTES} per bit that is set in the size. */
  get range(): Buffer {
    return Buffer.concat(this.#range);
  }

  /** @param leaf - as {@link leafHash} gives it. */
  append(leaf: Uint8Array): void {
    let node: Buffer = Buffer.from(leaf);
    // A set bit is a perfect subtree of that size: the new node and it make one of twice the size.
    for (let bits = this.#size; bits % 2 === 1; bits = Math.floor(bits / 2)) {
      const left = this.#range.pop();
      if (left === undefined) throw new RangeError('the range is shorter than the size says');
      node = nodeHash(left, node);
    }
    this.#range.push(node);
    this.#size += 1;
  }

  root(): Buffer {
    const [last, ...larger] = this.#range.toReversed();
    if (last === undefined) return EMPTY_ROOT;
    return larger.reduce((right, left) => nodeHash(left, right), last);
  }
}

/** By division: sizes may pass the 32 bits that JavaScript's bit operators see. */
function countOnes(size: number): number {
  let ones = 0;
  for (let bits = size; bits > 0; bits = Math.floor(bits / 2)) ones += bits % 2;
  return ones;
}
