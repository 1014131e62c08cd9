/**
 * Takes due tasks, up to a number per lane, and sees each to its end.
 *
 * The stream only wakes the worker, and the sweep does the same once a second: what is to be done stands in the queue table. So
 * a wiped stream costs a second, a repeated entry nothing, and the consumer never waits for an agent.
 */
import { describeError, isConnectionError } from '@aurorasoc/kit/errors';
import { backoffMs } from '@aurorasoc/kit/lifecycle';
import type { StreamEntry } from '@aurorasoc/kit/streams';
import { currentTraceparent, inSpan, SpanKind } from '@aurorasoc/kit/telemetry';
import { LANES, type Lane } from '../agent/agent-registry.js';
import { findAlertTraceparent } from '../investigation/find-alert-traceparent.js';
import { claimDueTasks, type DueTenant, findDueTenants } from './claim-due-tasks.js';
import {
  type Claim,
  markAgentAway,
  markAgentBack,
  releaseTask,
  renewLease,
  returnTask,
  StaleClaimError,
} from './claim-task.js';
import { AgentUnavailableError } from './dispatch-agent.js';
import type { TaskOutcome } from './end-task.js';
import { type Finished, finishSpecialists, finishTask } from './finish-task.js';
import { GroupCommit } from './group-commit.js';
import { LanePlaces, shareOut, sumOf } from './lane-places.js';
import { requestedLanes } from './requested-lanes.js';
import { type RunServices, runTask } from './run-task.js';
import { SharedRuns } from './shared-runs.js';

export const TASK_GROUP = 'agent-task-worker';

export interface TaskWorkerOptions extends RunServices {
  /** Different in each process. */
  readonly name: string;
  readonly concurrency: Readonly<Record<Lane, number>>;
  readonly leaseMs: number;
}

const SWEEP_MS = 1_000;
/** A task that ended its worker this often is not tried again: it is probably the reason. */
const MAX_ATTEMPTS = 5;
/** An agent that is away for this long fails a task, milliseconds since it was first found away for that task. */
const GIVE_UP_MS = 600_000;

/** Most ends in one commit. */
const MAX_ENDS = 200;
/** A claim that has no place by then is given back, milliseconds. */
const MOST_READY_MS = 1_000;
/** How often tasks are looked for in a row when other workers were faster. */
const MAX_LOOKS = 3;

class Stopping extends Error {}

export class TaskWorker {
  readonly #places: Readonly<Record<Lane, LanePlaces>>;
  readonly #taking: Readonly<Record<Lane, SharedRuns>>;
  readonly #runs = new Set<Promise<void>>();
  readonly #ends: GroupCommit<Finished, boolean>;
  readonly #stopping = new AbortController();
  #sweep: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> | undefined;

  constructor(private readonly options: TaskWorkerOptions) {
    const { orchestrator, specialist } = options.concurrency;
    this.#places = { orchestrator: new LanePlaces(orchestrator), specialist: new LanePlaces(specialist) };
    this.#taking = {
      orchestrator: new SharedRuns(() => this.#takeDue('orchestrator')),
      specialist: new SharedRuns(() => this.#takeDue('specialist')),
    };
    this.#ends = new GroupCommit({
      commit: (tenant, finished) => finishSpecialists(options, tenant, finished),
      maxItems: MAX_ENDS,
    });
  }

  start(): void {
    this.#sweep = setInterval(() => {
      this.#sweeping ??= this.#sweepOnce().finally(() => {
        this.#sweeping = undefined;
      });
    }, SWEEP_MS);
  }

  /** Gives the tasks at work back to their places in the queue, so that another process takes them at once. */
  async stop(): Promise<void> {
    clearInterval(this.#sweep);
    this.#stopping.abort(new Stopping('the worker is stopping'));
    // A claim that is being made begins no work any more, but must be made before the database closes.
    await Promise.all(LANES.map((lane) => this.#taking[lane].settled()));
    await this.#sweeping;
    await Promise.all(LANES.map((lane) => this.#giveBackReady(lane)));
    await Promise.all(this.#runs);
  }

  /** The stream handler: tasks were requested. @param entries - none: look in every lane. */
  async wake(entries: readonly StreamEntry[]): Promise<void> {
    const lanes = entries.length === 0 ? LANES : requestedLanes(entries);
    await Promise.all(lanes.map((lane) => this.#taking[lane].run()));
  }

  async #sweepOnce(): Promise<void> {
    // An agent that was fast is slow now: what was claimed in view of the former is others' to take.
    const before = performance.now() - MOST_READY_MS;
    await Promise.all(LANES.map((lane) => this.#giveBackReady(lane, before)));
    try {
      await this.wake([]);
    } catch (error) {
      // The database's own health component tells; the next sweep tries again.
      this.options.log.debug({ error: describeError(error) }, 'Due tasks could not be read');
    }
  }

  async #takeDue(lane: Lane): Promise<void> {
    const places = this.#places[lane];
    // Whoever asked for this run knows of work, which waits while no place is free.
    places.mayBeMore = true;
    for (let look = 0; look < MAX_LOOKS && places.wanted > 0 && !this.#stopping.signal.aborted; look++) {
      const reach = places.reach;
      const found = await findDueTenants(this.options.database, lane, reach, places.held);
      const shares = shareOut(found, places.wanted);
      places.mayBeMore = sumOf(found) > sumOf(shares) || sumOf(found) === reach;
      const claims = await Promise.allSettled(shares.map((share) => this.#claim(lane, share)));
      // All of them, also where one fails: whoever stops the worker waits for claims that are being made.
      const failure = claims.find((claim) => claim.status === 'rejected');
      if (failure) throw failure.reason;
      // Other workers were at the same tasks; there may be more behind those.
      const isShort = claims.some((claim, n) => claim.status === 'fulfilled' && claim.value < (shares[n]?.tasks ?? 0));
      if (!isShort) return;
    }
  }

  /** @returns how many were claimed. */
  async #claim(lane: Lane, { tenant, tasks }: DueTenant): Promise<number> {
    const places = this.#places[lane];
    const claimedAt = performance.now();
    const claims = await claimDueTasks(this.options, { tenant, lane, limit: tasks, except: places.held });
    places.add(claims, claimedAt);
    this.#beginReady(lane);
    return claims.length;
  }

  #beginReady(lane: Lane): void {
    if (this.#stopping.signal.aborted) return;
    const places = this.#places[lane];
    for (let ready = places.next(); ready !== undefined; ready = places.next()) {
      const { claim, claimedAt } = ready;
      // Nobody has prolonged its lease meanwhile; an agent must not be put to work for what is about to be somebody else's.
      const isLate = performance.now() - claimedAt > this.options.leaseMs / 2;
      const run = (isLate ? this.#giveBackUnbegun(claim) : this.#see(lane, claim, claimedAt)).finally(() => {
        const wasHeldUp = places.isHeldUp;
        places.ended(claim.taskId);
        this.#runs.delete(run);
        this.#beginReady(lane);
        // Its place was taken when the agent answered.
        if (wasHeldUp) this.#takeMore(lane);
      });
      this.#runs.add(run);
    }
  }

  #takeMore(lane: Lane): void {
    const { mayBeMore, wanted } = this.#places[lane];
    if (mayBeMore && wanted > 0) this.#taking[lane].run().catch(() => undefined); // The sweep comes within a second, and logs.
  }

  async #giveBackReady(lane: Lane, claimedBefore?: number): Promise<void> {
    await Promise.all(this.#places[lane].removeReady(claimedBefore).map((claim) => this.#giveBackUnbegun(claim)));
  }

  /** Never throws: what cannot be given back is left to its lease. */
  #giveBackUnbegun(claim: Claim): Promise<void> {
    const { database, log } = this.options;
    return returnTask(database, claim).catch((error: unknown) =>
      log.warn({ taskId: claim.taskId, error: describeError(error) }, 'Task was left to its lease'),
    );
  }

  /** Never throws: what goes wrong here is told to the log, and the lease's end brings the task back. */
  async #see(lane: Lane, claim: Claim, claimedAt: number): Promise<void> {
    const { log, metrics } = this.options;
    const beganAt = performance.now();
    const lost = new AbortController();
    // Until its end is stored, which may have to wait for others'.
    const heartbeat = this.#keepLease(claim, lost);
    try {
      const outcome = await this.#perform(claim, AbortSignal.any([lost.signal, this.#stopping.signal]));
      const isDone = outcome?.status === 'COMPLETED';
      this.#places[lane].left(claim.taskId, isDone ? performance.now() - beganAt : undefined);
      this.#beginReady(lane);
      this.#takeMore(lane);
      if (outcome === undefined) return;
      const isAccepted = await this.#finish(claim, outcome);
      if (!isAccepted) return this.#countUnmatched(claim);
      const label = outcome.status === 'COMPLETED' ? 'completed' : 'failed';
      metrics.taskDuration.observe({ agent: claim.agent, outcome: label }, performance.now() - claimedAt);
    } catch (error) {
      log.error(
        { taskId: claim.taskId, agent: claim.agent, error: describeError(error) },
        'Task was left to its lease',
      );
    } finally {
      clearInterval(heartbeat);
    }
  }

  /** An orchestrator's end changes its investigation and all that hangs on it, so it commits by itself. */
  #finish(claim: Claim, outcome: TaskOutcome): Promise<boolean> {
    if (claim.agent === 'orchestrator') return finishTask(this.options, claim, outcome);
    return this.#ends.add(claim.tenant, { claim, outcome, traceparent: currentTraceparent() });
  }

  /** @returns undefined when the task was given back, or is somebody else's by now. */
  async #perform(claim: Claim, signal: AbortSignal): Promise<TaskOutcome | undefined> {
    if (claim.attempts > MAX_ATTEMPTS)
      return failed('AGENT_LOST', `The work of the agent ${claim.agent} was lost ${MAX_ATTEMPTS} times.`);
    try {
      return await this.#dispatch(claim, signal);
    } catch (error) {
      return await this.#giveBack(claim, error);
    }
  }

  async #dispatch(claim: Claim, signal: AbortSignal): Promise<TaskOutcome> {
    const links =
      claim.agent === 'orchestrator'
        ? [claim.alertTraceparent ?? (await findAlertTraceparent(this.options, claim, signal))]
        : [];
    const attributes = {
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.name': claim.agent,
      'aurora.task.id': claim.taskId,
      'aurora.investigation.id': claim.investigationId,
    };
    return inSpan(
      `invoke_agent ${claim.agent}`,
      { kind: SpanKind.CLIENT, parent: claim.traceparent, links, attributes },
      () => runTask(this.options, claim, signal),
    );
  }

  #keepLease(claim: Claim, lost: AbortController): NodeJS.Timeout {
    const { database, leaseMs, log } = this.options;
    return setInterval(() => {
      renewLease(database, claim, leaseMs).then(
        (isHeld) => isHeld || lost.abort(new StaleClaimError(claim)),
        // A database that is away for longer than the lease costs the claim; the fence then refuses what comes of it.
        (error: unknown) =>
          log.warn({ taskId: claim.taskId, error: describeError(error) }, 'Lease could not be prolonged'),
      );
    }, leaseMs / 3);
  }

  async #giveBack(claim: Claim, error: unknown): Promise<TaskOutcome | undefined> {
    const { database, log } = this.options;
    if (error instanceof StaleClaimError) {
      this.#countUnmatched(claim);
      return undefined;
    }
    if (error instanceof Stopping) {
      await returnTask(database, claim);
      return undefined;
    }
    const isAway = error instanceof AgentUnavailableError && !error.hasAnswered;
    if (isAway && ((await markAgentAway(database, claim)) ?? 0) > GIVE_UP_MS)
      return failed(
        'AGENT_UNAVAILABLE',
        `The agent ${claim.agent} was not available for ${GIVE_UP_MS / 60_000} minutes.`,
      );
    if (!isAway) await database.inTenant(claim.tenant, (em) => markAgentBack(em, claim));
    // Neither a call that never reached the agent, nor a gateway or database that is away, says anything about the task.
    const isCounted = !isAway && (error instanceof AgentUnavailableError || !isConnectionError(error));
    const delayMs = 500 + backoffMs(claim.attempts, 1_000, 10_000);
    if (!(await releaseTask(database, claim, delayMs, isCounted))) this.#countUnmatched(claim);
    else
      log.warn(
        { taskId: claim.taskId, agent: claim.agent, attempt: claim.attempts, error: describeError(error) },
        'Task is given back',
      );
    return undefined;
  }

  #countUnmatched(claim: Claim): void {
    this.options.metrics.unmatchedResults.inc();
    this.options.log.info({ taskId: claim.taskId, fence: claim.fence }, 'What came of a lost claim was dropped');
  }
}

function failed(code: string, message: string): TaskOutcome {
  return { status: 'FAILED', failure: { code, message } };
}
