/** Checks one tenant's Merkle log against the events that it was made of. */
import type { EntityManager } from '../database/database.js';
import { leafHash, MerkleTree } from './merkle.js';

/** What is wrong with a log, and where it begins. */
export interface AuditFault {
  /** `EVENT_MISSING`: an event was taken away, and nobody has asked to erase its tenant. */
  readonly kind: 'EVENT_CHANGED' | 'EVENT_MISSING' | 'LEAF_MISSING' | 'HEAD_CHANGED';
  /** Leaf, or size of the tree head, at which it shows; 0-based. */
  readonly at: number;
}

export interface AuditReport {
  /** Leaves that were checked. */
  readonly size: number;
  /** Leaves whose events are gone, since their tenant was erased: only their place in the tree could be checked. */
  readonly withoutEvent: number;
  readonly root: Buffer;
  /** The first fault; undefined when there is none. */
  readonly fault: AuditFault | undefined;
}

/** Leaves, and at most as many heads, that are in memory at a time. */
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
  const sealed = await readSealed(em, domain, tenant);
  const tree = new MerkleTree();
  let withoutEvent = 0;
  const report = (fault?: AuditFault): AuditReport => ({ size: tree.size, withoutEvent, root: tree.root(), fault });
  while (tree.size < sealed) {
    const end = Math.min(tree.size + PAGE, sealed);
    const roots = await readRoots(em, domain, tenant, tree.size, end);
    const page = await readLeaves(em, domain, tenant, tree.size, end);
    // Asked after the page was read: a tenant is closed before the first of its events goes.
    const mayLack = page.some(({ body }) => body === null) && (await isErased(em, domain, tenant));
    if (page.length === 0) return report({ kind: 'LEAF_MISSING', at: tree.size });
    for (const { leaf, hash, body } of page) {
      if (Number(leaf) !== tree.size) return report({ kind: 'LEAF_MISSING', at: tree.size });
      if (body === null && !mayLack) return report({ kind: 'EVENT_MISSING', at: tree.size });
      if (body === null) withoutEvent += 1;
      else if (!leafHash(body).equals(hash)) return report({ kind: 'EVENT_CHANGED', at: tree.size });
      tree.append(hash);
      const root = roots.get(tree.size);
      if (root && !root.equals(tree.root())) return report({ kind: 'HEAD_CHANGED', at: tree.size });
    }
  }
  return report();
}

/** Leaves up to the last head; those of a seal that commits meanwhile are left to the next check. */
async function readSealed(em: EntityManager, domain: string, tenant: string): Promise<number> {
  const [last] = (await em.execute(`select max(size) as size from ${domain}.tree_head where tenant = ?`, [tenant])) as {
    size: string | null;
  }[];
  return Number(last?.size ?? 0);
}

/** @returns roots of the heads that are larger than `from` and not larger than `end`, by their size. */
async function readRoots(
  em: EntityManager,
  domain: string,
  tenant: string,
  from: number,
  end: number,
): Promise<Map<number, Buffer>> {
  const heads = (await em.execute(
    `select size, root from ${domain}.tree_head where tenant = ? and size > ? and size <= ?`,
    [tenant, from, end],
  )) as { size: string; root: Buffer }[];
  return new Map(heads.map(({ size, root }) => [Number(size), root]));
}

/** From leaf `from` to before leaf `end`; fewer where some are missing. */
function readLeaves(em: EntityManager, domain: string, tenant: string, from: number, end: number): Promise<Leaf[]> {
  return em.execute(
    `select l.leaf, l.hash, e.body from ${domain}.event_leaf l
     join ${domain}.event_position p using (position) left join ${domain}.event e using (seq)
     where l.tenant = ? and l.leaf >= ? and l.leaf < ? order by l.leaf`,
    [tenant, from, end],
  ) as Promise<Leaf[]>;
}

async function isErased(em: EntityManager, domain: string, tenant: string): Promise<boolean> {
  const rows = await em.execute(`select 1 as found from ${domain}.erased_tenant where tenant = ?`, [tenant]);
  return rows.length > 0;
}
