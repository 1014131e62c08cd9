/** Runs some work one turn after the other; who asks while a turn has not begun yet shares it. */
export class Turns {
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(private readonly work: () => Promise<void>) {}

  /** @returns the end of a turn that begins after the call, or its failure. */
  take(): Promise<void> {
    this.#next ??= this.#runNext();
    return this.#next;
  }

  /** Resolves when no turn is on its way or waits, whatever became of it. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#running, this.#next]);
  }

  async #runNext(): Promise<void> {
    await this.#running;
    this.#next = undefined;
    const turn = this.work();
    this.#running = turn.catch(() => undefined);
    await turn;
  }
}
