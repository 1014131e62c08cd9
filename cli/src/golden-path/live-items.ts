import type { FollowOptions } from '../client/index.js';

interface Waiter<T> {
  readonly isWanted: (item: T) => boolean;
  readonly resolve: (item: T) => void;
  readonly reject: (error: unknown) => void;
}

/** The items of a live field, kept so that one can be waited for whether it comes before or after the asking. */
export class LiveItems<T> {
  readonly #items: T[] = [];
  #waiters: Waiter<T>[] = [];
  #end: { readonly error: unknown } | undefined;

  /** @param follow - opens the field with the given handler. */
  constructor(follow: (onItem: FollowOptions<T>['onItem']) => Promise<unknown>) {
    follow((item) => this.#take(item)).then(
      () => this.#finish(new Error('the live field was completed')),
      (error: unknown) => this.#finish(error),
    );
  }

  /** The first item that fits. @throws what ended the field when none came until then. */
  waitFor(isWanted: (item: T) => boolean): Promise<T> {
    const known = this.#items.find(isWanted);
    if (known !== undefined) return Promise.resolve(known);
    if (this.#end !== undefined) return Promise.reject(this.#end.error);
    return new Promise((resolve, reject) => this.#waiters.push({ isWanted, resolve, reject }));
  }

  #take(item: T): void {
    this.#items.push(item);
    const [served, waiting] = partition(this.#waiters, ({ isWanted }) => isWanted(item));
    this.#waiters = waiting;
    for (const { resolve } of served) resolve(item);
  }

  #finish(error: unknown): void {
    this.#end = { error };
    for (const { reject } of this.#waiters) reject(error);
    this.#waiters = [];
  }
}

function partition<T>(values: readonly T[], isFirst: (value: T) => boolean): [T[], T[]] {
  return [values.filter(isFirst), values.filter((value) => !isFirst(value))];
}
