import { describeError } from '@aurorasoc/kit/errors';

/**
 * Keeps a file that only tells of what runs. It is worth having and not worth ending anything for: on a full or read-only
 * disk the site goes on without. That is said once, and again only after the file could be kept in between.
 */
export class BestEffort {
  #isFailing = false;
  readonly #file: string;
  readonly #log: (line: string) => void;

  constructor(file: string, log: (line: string) => void) {
    this.#file = file;
    this.#log = log;
  }

  /** Runs `work`; never throws. */
  keep(work: () => void): void {
    try {
      work();
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) this.#log(`${this.#file} cannot be kept (${describeError(error)}); going on without`);
      this.#isFailing = true;
    }
  }
}
