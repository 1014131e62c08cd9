import { rmSync } from 'node:fs';
import { type SiteState, writeSiteState } from '../home/site-state.js';

/** Keeps `state.json` as the site is: written anew after each change, once there is something to describe. */
export class StateFile {
  #describe: (() => SiteState) | undefined;

  constructor(private readonly path: string) {}

  /** From now on the file says what `describe` gives. */
  begin(describe: () => SiteState): void {
    this.#describe = describe;
    this.write();
  }

  write(): void {
    if (this.#describe !== undefined) writeSiteState(this.path, this.#describe());
  }

  remove(): void {
    this.#describe = undefined;
    rmSync(this.path, { force: true });
  }
}
