import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leafHash, MerkleTree } from './merkle.js';

/** The test data of Certificate Transparency's reference implementation: eight entries, and the root after each. */
const ENTRIES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const leaves = (count: number): Buffer[] => Array.from({ length: count }, (_, n) => leafHash(Buffer.from(String(n))));

describe('a Merkle tree', () => {
  it('has the roots that RFC 9162 wants', () => {
    const tree = new MerkleTree();
    expect(tree.root().toString('hex')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    for (const [index, entry] of ENTRIES.entries()) {
      tree.append(leafHash(hex(entry)));
      expect(tree.root().toString('hex')).toBe(ROOTS[index]);
    }
  });

  it('goes on from its size and range as if it had never stopped', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(50), (before, after) => {
        const whole = new MerkleTree();
        for (const leaf of leaves(before)) whole.append(leaf);
        const resumed = new MerkleTree(whole.size, whole.range);
        for (const leaf of leaves(after)) {
          whole.append(leaf);
          resumed.append(leaf);
        }
        return resumed.root().equals(whole.root()) && resumed.size === before + after;
      }),
    );
  });

  it('refuses a range of another size', () => {
    expect(() => new MerkleTree(3, Buffer.alloc(32))).toThrow(RangeError);
    expect(() => new MerkleTree(0, Buffer.alloc(32))).toThrow(RangeError);
  });
});
