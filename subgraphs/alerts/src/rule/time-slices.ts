/**
 * What a tenant's rules cost is worked off in time slices: between two of them the process answers others. One slice is given at a
 * time, however many imports, lists and engines are at work at once.
 */
import { setImmediate as nextRound } from 'node:timers/promises';
import type { Steps } from '@aurorasoc/sigma';

/** Beyond this a slice ends after the document or the step that is being worked off. */
const SLICE_MS = 20;

let line: Promise<unknown> = Promise.resolve();

function standInLine(): Promise<unknown> {
  line = line.then(() => nextRound());
  return line;
}

/** One after another, for one piece of work. */
export class TimeSlices {
  #began = performance.now();

  private constructor() {}

  /** Waits for the first slice. */
  static async begin(): Promise<TimeSlices> {
    await standInLine();
    return new TimeSlices();
  }

  /** Lets others have theirs once this slice has lasted, and waits for the next. */
  async pause(): Promise<void> {
    if (performance.now() - this.#began < SLICE_MS) return;
    await standInLine();
    this.#began = performance.now();
  }

  /** Takes all steps, in as many slices as they need. */
  async take<T>(steps: Steps<T>): Promise<T> {
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
      if (performance.now() - this.#began >= SLICE_MS) await this.pause();
    }
  }
}
