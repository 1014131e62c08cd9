/** Reciprocal rank fusion (Cormack, Clarke, Büttcher, SIGIR 2009): joins lists whose scores cannot be compared. */

/** The paper's constant: keeps the first places of one list from outweighing agreement of both. */
const RANK_CONSTANT = 60;

export interface Fused<M extends string> {
  readonly id: string;
  /** Sum of 1 / (60 + rank) over the lists that hold it. */
  readonly score: number;
  /** The lists that hold it. */
  readonly matchedBy: readonly M[];
}

/** @param rankings - ids per list, best first, each id once. @returns best first; of equals the later id first. */
export function fuseRanks<M extends string>(rankings: Readonly<Record<M, readonly string[]>>): Fused<M>[] {
  const found = new Map<string, { score: number; matchedBy: M[] }>();
  for (const [name, ids] of Object.entries(rankings) as [M, readonly string[]][]) {
    for (const [index, id] of ids.entries()) {
      const entry = found.get(id) ?? { score: 0, matchedBy: [] };
      entry.score += 1 / (RANK_CONSTANT + index + 1);
      entry.matchedBy.push(name);
      found.set(id, entry);
    }
  }
  return [...found]
    .map(([id, entry]) => ({ id, ...entry }))
    .sort((a, b) => b.score - a.score || (a.id < b.id ? 1 : -1));
}
