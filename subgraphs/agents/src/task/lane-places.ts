/** The places of one lane in this process: which tasks take them, and of whom the next ones come. */
import type { DueTenant } from './claim-due-tasks.js';

/** While agents answer this fast, what a tenant's next tasks overtake waits no longer than anybody notices. */
const BRIEF_MS = 50;
/** How much one run changes the average. */
const WEIGHT = 1 / 8;
/** With brief tasks, tenants are looked for among so many times as many due tasks as there are places. */
const REACH = 16;

export class LanePlaces {
  /** An agent is at work on them. */
  readonly #running = new Set<string>();
  /** Their agents have answered; their ends are being stored. */
  readonly #ending = new Set<string>();
  /** Of the time that agents took, milliseconds; tasks count as long until some were not. */
  #averageMs = Number.POSITIVE_INFINITY;

  /** @param size - most agents at work at a time. */
  constructor(private readonly size: number) {}

  /** Ends that cannot be stored hold new work up, once there are as many as places. */
  get free(): number {
    return this.#ending.size >= this.size ? 0 : Math.max(0, this.size - this.#running.size);
  }

  /** Ids of the tasks that this process has not done with. */
  get held(): string[] {
    return [...this.#running, ...this.#ending];
  }

  /**
   * How many of the oldest due tasks decide whose turn it is. As many as are free: the oldest are taken, whosever they are. More:
   * a tenant's next tasks go with its oldest one, in one commit, before somewhat older ones of others.
   */
  get reach(): number {
    return this.free * (this.#averageMs < BRIEF_MS ? REACH : 1);
  }

  begin(taskId: string): void {
    this.#running.add(taskId);
  }

  answered(taskId: string, afterMs: number): void {
    this.#running.delete(taskId);
    this.#ending.add(taskId);
    this.#averageMs = Number.isFinite(this.#averageMs)
      ? this.#averageMs + (afterMs - this.#averageMs) * WEIGHT
      : afterMs;
  }

  ended(taskId: string): void {
    this.#ending.delete(taskId);
  }
}

/** How many tasks to claim of each tenant: by turns as found, until the places are full. Tenants that get none are left out. */
export function shareOut(found: readonly DueTenant[], places: number): DueTenant[] {
  let left = places;
  return found.flatMap(({ tenant, tasks }) => {
    const share = Math.min(tasks, left);
    left -= share;
    return share > 0 ? [{ tenant, tasks: share }] : [];
  });
}
