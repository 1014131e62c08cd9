/**
 * What a tenant's rules cost is worked off in turns: between two of them the process answers others. One turn is given at a
 * time, however many imports, lists and engines are at work at once.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Steps } from '@aurorasoc/sigma';

/** Beyond this a turn ends after the document, rule or event that is being looked at. */
const TURN_MS = 20;

let line: Promise<unknown> = Promise.resolve();

function standInLine(): Promise<unknown> {
  line = line.then(() => nextTurn());
  return line;
}

export class Turns {
  #began = performance.now();

  private constructor() {}

  static async begin(): Promise<Turns> {
    await standInLine();
    return new Turns();
  }

  /** Lets others have their turn, once this one has lasted. */
  async pause(): Promise<void> {
    if (performance.now() - this.#began < TURN_MS) return;
    await standInLine();
    this.#began = performance.now();
  }

  /** Takes all steps. */
  async take<T>(steps: Steps<T>): Promise<T> {
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
      if (performance.now() - this.#began >= TURN_MS) await this.pause();
    }
  }
}
