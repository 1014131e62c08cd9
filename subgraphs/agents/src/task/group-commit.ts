/**
 * Commits what becomes ready at the same moment together, per tenant.
 *
 * Nothing waits for more to come: what becomes ready while its tenant's commit is on its way goes with the next one. So an idle
 * site commits each by itself and at once, and the busier it is the more share a commit.
 */
import { setImmediate as endOfTurn } from 'node:timers/promises';
import { isConnectionError } from '@aurorasoc/kit/errors';

export interface GroupCommitOptions<T, R> {
  /** Commits items of one tenant in one transaction. @returns what came of each, in their order. */
  readonly commit: (tenant: string, items: readonly T[]) => Promise<readonly R[]>;
  /** Most items in one commit. */
  readonly maxItems: number;
}

interface Waiting<T, R> {
  readonly item: T;
  readonly settle: PromiseWithResolvers<R>;
}

export class GroupCommit<T, R> {
  /** Of tenants with a commit on its way, or about to be. */
  readonly #waiting = new Map<string, Waiting<T, R>[]>();

  constructor(private readonly options: GroupCommitOptions<T, R>) {}

  /** Resolves after the commit. A group that fails is tried again one by one, so that an item answers for itself alone. */
  add(tenant: string, item: T): Promise<R> {
    const settle = Promise.withResolvers<R>();
    const waiting = this.#waiting.get(tenant);
    if (waiting !== undefined) waiting.push({ item, settle });
    else {
      this.#waiting.set(tenant, [{ item, settle }]);
      void this.#commitAll(tenant);
    }
    return settle.promise;
  }

  async #commitAll(tenant: string): Promise<void> {
    const waiting = this.#waiting.get(tenant) ?? [];
    while (waiting.length > 0) {
      // Whatever else is ready in this turn of the event loop.
      await endOfTurn();
      await this.#commitGroup(tenant, waiting.splice(0, this.options.maxItems));
    }
    this.#waiting.delete(tenant);
  }

  async #commitGroup(tenant: string, group: readonly Waiting<T, R>[]): Promise<void> {
    const items = group.map(({ item }) => item);
    try {
      const results = await this.options.commit(tenant, items);
      for (const [index, { settle }] of group.entries()) settle.resolve(results[index] as R);
    } catch (error) {
      // A database that is away says nothing about any item, and may have committed.
      if (group.length === 1 || isConnectionError(error)) for (const { settle } of group) settle.reject(error);
      else for (const one of group) await this.#commitGroup(tenant, [one]);
    }
  }
}
