/** Runs some work again and again, one run after the other; who asks while the next has not begun yet shares it. */
export class SharedRuns {
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(private readonly work: () => Promise<void>) {}

  /** @returns the end of a run that begins after the call, or its failure. */
  run(): Promise<void> {
    this.#next ??= this.#runNext();
    return this.#next;
  }

  /** Resolves when no run is on its way or waits, whatever became of it. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#running, this.#next]);
  }

  async #runNext(): Promise<void> {
    await this.#running;
    this.#next = undefined;
    const run = this.work();
    this.#running = run.catch(() => undefined); // Whoever asked for it is told.
    await run;
  }
}
