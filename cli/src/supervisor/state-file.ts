import { rmSync } from 'node:fs';
import { type SiteState, writeSiteState } from '../home/site-state.js';
import { BestEffort } from '../services/data-folder/best-effort.js';

/**
 * Keeps `state.json` as the site is: written anew after each change, once there is something to describe. A disk that does
 * not take it costs `aurora status` its answer and the site nothing, so no method throws.
 */
export class StateFile {
  #describe: (() => SiteState) | undefined;
  readonly #effort: BestEffort;

  constructor(
    private readonly path: string,
    log: (line: string) => void,
  ) {
    this.#effort = new BestEffort(path, log);
  }

  /** From now on the file says what `describe` gives. */
  begin(describe: () => SiteState): void {
    this.#describe = describe;
    this.write();
  }

  write(): void {
    const describe = this.#describe;
    if (describe !== undefined) this.#effort.keep(() => writeSiteState(this.path, describe()));
  }

  remove(): void {
    this.#describe = undefined;
    this.#effort.leave();
    try {
      rmSync(this.path, { force: true });
    } catch {
      // One that stays names a supervisor that is gone, which readers see.
    }
  }
}
