/** The event table of the specs' alerts subgraph: it outlives the subgraph's process, like a database. */

export interface Change {
  readonly position: number;
  readonly alertId: string;
  readonly version: number;
  readonly title: string;
}

/** What a live field yields; `__typename` tells graphql-js which member it is. */
export type LiveValue = { __typename: string; cursor?: string; since?: string; reason?: string } & Record<
  string,
  unknown
>;

export class ChangeLog {
  epoch = 'a'.repeat(16);
  readonly changes: Change[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #versions = new Map<string, number>();

  append(alertId: string, title = `alert ${alertId}`): Change {
    const version = (this.#versions.get(alertId) ?? 0) + 1;
    this.#versions.set(alertId, version);
    const change = { position: this.changes.length + 1, alertId, version, title };
    this.changes.push(change);
    this.wake();
    return change;
  }

  cursorOf(position: number): string {
    return this.epoch + position.toString(16).padStart(16, '0') + '0'.repeat(16);
  }

  positionOf(cursor: string): number {
    return Number.parseInt(cursor.slice(16, 32), 16);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  wake(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Changes after a place, then `CaughtUp`, then live; pulled, so that a slow reader costs nothing here. */
export class ChangeReader implements AsyncIterableIterator<LiveValue> {
  #position: number;
  #isCaughtUp = false;
  #isClosed = false;
  #wake: () => void = () => undefined;
  readonly #unlisten: () => void;

  constructor(
    private readonly log: ChangeLog,
    after: string | undefined,
    private readonly onClose: () => void,
  ) {
    this.#position = after === undefined ? log.changes.length : log.positionOf(after);
    this.#unlisten = log.onChange(() => this.#wake());
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<LiveValue>> {
    while (!this.#isClosed) {
      const change = this.log.changes[this.#position];
      if (change) {
        this.#position = change.position;
        return {
          done: false,
          value: {
            __typename: 'AlertChange',
            cursor: this.log.cursorOf(change.position),
            ...change,
            alert: { id: change.alertId, title: change.title },
          },
        };
      }
      if (!this.#isCaughtUp) {
        this.#isCaughtUp = true;
        return { done: false, value: { __typename: 'CaughtUp', cursor: this.log.cursorOf(this.#position) } };
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<LiveValue>> {
    if (!this.#isClosed) this.onClose();
    this.#isClosed = true;
    this.#unlisten();
    this.#wake();
    return { done: true, value: undefined };
  }
}
