/** Checks one tenant's Merkle log against the events that it was made of. */
import type { EntityManager } from '../database/database.js';
import { leafHash, MerkleTree } from './merkle.js';

/** What is wrong with a log, and where it begins. */
export interface AuditFault {
  readonly kind: 'EVENT_CHANGED' | 'LEAF_MISSING' | 'HEAD_CHANGED';
  /** Leaf, or size of the tree head, at which it shows; 0-based. */
  readonly at: number;
}

export interface AuditReport {
  /** Leaves that were checked. */
  readonly size: number;
  /** Leaves whose events are gone, by retention or erasure: only their place in the tree could be checked. */
  readonly withoutEvent: number;
  readonly root: Buffer;
  /** The first fault; undefined when there is none. */
  readonly fault: AuditFault | undefined;
}

const PAGE = 5_000;

interface Leaf {
  leaf: string;
  hash: Buffer;
  body: Buffer | null;
}

/**
 * Recomputes every leaf from its event and every recorded tree head from the leaves, in order, and stops at the first fault.
 *
 * Whoever can write to the tables can rewrite all of them consistently: proof against that is a head that somebody else kept.
 * @param em - in a transaction of the tenant.
 */
export async function verifyLog(em: EntityManager, domain: string, tenant: string): Promise<AuditReport> {
  const heads = (await em.execute(`select size, root from ${domain}.tree_head where tenant = ? order by size`, [
    tenant,
  ])) as { size: string; root: Buffer }[];
  const roots = new Map(heads.map(({ size, root }) => [Number(size), root]));
  const sealed = Math.max(0, ...roots.keys());
  const tree = new MerkleTree();
  let withoutEvent = 0;
  const report = (fault?: AuditFault): AuditReport => ({ size: tree.size, withoutEvent, root: tree.root(), fault });
  while (tree.size < sealed) {
    const page = await readLeaves(em, domain, tenant, tree.size);
    if (page.length === 0) return report({ kind: 'LEAF_MISSING', at: tree.size });
    for (const { leaf, hash, body } of page) {
      if (Number(leaf) !== tree.size) return report({ kind: 'LEAF_MISSING', at: tree.size });
      if (body === null) withoutEvent += 1;
      else if (!leafHash(body).equals(hash)) return report({ kind: 'EVENT_CHANGED', at: tree.size });
      tree.append(hash);
      const root = roots.get(tree.size);
      if (root && !root.equals(tree.root())) return report({ kind: 'HEAD_CHANGED', at: tree.size });
    }
  }
  return report();
}

function readLeaves(em: EntityManager, domain: string, tenant: string, from: number): Promise<Leaf[]> {
  return em.execute(
    `select l.leaf, l.hash, e.body from ${domain}.event_leaf l
     join ${domain}.event_position p using (position) left join ${domain}.event e using (seq)
     where l.tenant = ? and l.leaf >= ? order by l.leaf limit ${PAGE}`,
    [tenant, from],
  ) as Promise<Leaf[]>;
}
