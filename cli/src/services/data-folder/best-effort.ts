import { describeError } from '@aurorasoc/kit/errors';

const RETRY_MS = 2_000;

/**
 * Keeps a file that only tells of what runs. It is worth having and not worth ending anything for: on a full or read-only
 * disk the site goes on without, and the file is made good once it can be. That it cannot is said once each time.
 */
export class BestEffort {
  #isFailing = false;
  #retry: NodeJS.Timeout | undefined;
  readonly #file: string;
  readonly #log: (line: string) => void;

  constructor(file: string, log: (line: string) => void) {
    this.#file = file;
    this.#log = log;
  }

  /**
   * Never throws.
   * @param work - brings the file up to date; done again until it works, or other work or {@link leave} takes its place.
   */
  keep(work: () => void): void {
    this.leave();
    try {
      work();
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) this.#log(`${this.#file} cannot be kept (${describeError(error)}); going on without`);
      this.#isFailing = true;
      this.#retry = setTimeout(() => this.keep(work), RETRY_MS).unref();
    }
  }

  /** The file is not needed any more. */
  leave(): void {
    clearTimeout(this.#retry);
  }
}
