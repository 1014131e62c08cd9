/** The places of one lane in this process: which tasks take them, which are claimed ahead, and how many to claim next. */
import type { DueTenant } from './claim-due-tasks.js';
import type { Claim } from './claim-task.js';

/** Tasks are claimed ahead as far as agents get to them within this time, milliseconds: others wait no longer than that. */
const AHEAD_MS = 50;
/** Most tasks claimed ahead, for each place. */
const MOST_AHEAD = 10;
/** Most ends on their way to the table, for each place: a database that cannot take them gets no more to do. */
const MOST_ENDING = 20;
/**
 * So many tasks in a row must have come to a result, and one for each place, before any is claimed ahead: a brief one says nothing of
 * the next, and the first of many that were begun together are the briefest of them.
 */
const FEWEST_ANSWERS = 16;
/** How much one run changes the average. */
const WEIGHT = 1 / 8;
/** With tasks that are claimed ahead, tenants are looked for among so many times as many due tasks as are wanted. */
const REACH = 8;

interface Ready {
  readonly claim: Claim;
  /** By `performance.now()`, before the claim was made. */
  readonly claimedAt: number;
}

export class LanePlaces {
  /** Whether tasks were left when due ones were last looked for; those that are requested later come with a wake-up of their own. */
  mayBeMore = true;
  readonly #ready: Ready[] = [];
  /** An agent is at work on them. */
  readonly #running = new Set<string>();
  /** Their agents have answered; their ends are being stored. */
  readonly #ending = new Set<string>();
  /** How many came to a result since nothing was known of the time that agents take. */
  #answers = 0;
  /** Of the time that agents took to those, milliseconds; later ones count for more. */
  #averageMs = 0;

  /** @param size - most agents at work at a time. */
  constructor(private readonly size: number) {}

  /** Ends cannot be stored as fast as they come; nothing is claimed until they are. */
  get isHeldUp(): boolean {
    return this.#ending.size >= this.size * MOST_ENDING;
  }

  /** How many tasks to claim now: for the places that are free and, of tasks that take no time, for those that soon will be. */
  get wanted(): number {
    const ahead = this.#ahead;
    // While there is work, a claim waits until it is worth a commit.
    if (this.isHeldUp || this.#ready.length > ahead / 2) return 0;
    return this.size - this.#running.size + ahead - this.#ready.length;
  }

  /**
   * How many of the oldest due tasks decide whose turn it is. As many as are wanted: the oldest are taken, whosever they are.
   * More: a tenant's next tasks go with its oldest one, in one commit, before somewhat older ones of others.
   */
  get reach(): number {
    return this.wanted * (this.#ahead > 0 ? REACH : 1);
  }

  /** Ids of the tasks that this process has not done with. */
  get held(): string[] {
    return [...this.#ready.map(({ claim }) => claim.taskId), ...this.#running, ...this.#ending];
  }

  /** Those that were lost before come first: lost again before they begin, they would have used up their attempts unseen. */
  add(claims: readonly Claim[], claimedAt: number): void {
    const { lost = [], fresh = [] } = Object.groupBy(claims, ({ attempts }) => (attempts > 1 ? 'lost' : 'fresh'));
    this.#ready.unshift(...lost.map((claim) => ({ claim, claimedAt })));
    this.#ready.push(...fresh.map((claim) => ({ claim, claimedAt })));
  }

  /** The first of those that wait, which takes a place; undefined while none waits, or no place is free. */
  next(): Ready | undefined {
    if (this.#running.size >= this.size) return undefined;
    const ready = this.#ready.shift();
    if (ready !== undefined) this.#running.add(ready.claim.taskId);
    return ready;
  }

  /** Takes out the claims that were made before `before` and have no place yet; where there are any, tasks may be slow now. */
  removeReady(before = Number.POSITIVE_INFINITY): Claim[] {
    const late = this.#ready.filter(({ claimedAt }) => claimedAt < before);
    for (const ready of late) this.#ready.splice(this.#ready.indexOf(ready), 1);
    if (late.length > 0) this.#answers = 0;
    return late.map(({ claim }) => claim);
  }

  /** @param afterMs - how long the agent took to its result; undefined when it came to none, and may be away. */
  left(taskId: string, afterMs: number | undefined): void {
    this.#running.delete(taskId);
    this.#ending.add(taskId);
    this.#answers = afterMs === undefined ? 0 : this.#answers + 1;
    if (afterMs !== undefined) this.#averageMs += (afterMs - this.#averageMs) * Math.max(WEIGHT, 1 / this.#answers);
  }

  /** Whatever became of it. */
  ended(taskId: string): void {
    this.#running.delete(taskId);
    this.#ending.delete(taskId);
  }

  get #ahead(): number {
    if (this.#answers < Math.max(FEWEST_ANSWERS, this.size)) return 0;
    return Math.min(this.size * MOST_AHEAD, Math.floor((this.size * AHEAD_MS) / Math.max(1, this.#averageMs)));
  }
}

/** How many tasks to claim of each tenant: by turns as found, until there are enough. Tenants that get none are left out. */
export function shareOut(found: readonly DueTenant[], wanted: number): DueTenant[] {
  let left = wanted;
  return found.flatMap(({ tenant, tasks }) => {
    const share = Math.min(tasks, left);
    left -= share;
    return share > 0 ? [{ tenant, tasks: share }] : [];
  });
}

export function sumOf(due: readonly DueTenant[]): number {
  return due.reduce((sum, { tasks }) => sum + tasks, 0);
}
