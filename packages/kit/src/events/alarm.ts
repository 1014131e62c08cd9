/** Lets one loop wait for news, and others wake it: a call that comes while it is at work counts for its next wait. */
export class Alarm {
  #isSet = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#isSet = true;
    this.#wake?.();
  }

  /** Resolves at once when it rang since the last wait, else when it rings, at the latest after `timeoutMs`. */
  async wait(timeoutMs: number): Promise<void> {
    if (!this.#isSet) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
    this.#isSet = false;
  }
}
