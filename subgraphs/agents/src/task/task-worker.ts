/**
 * Takes due tasks, up to a number per lane, and sees each to its end.
 *
 * The stream only wakes the worker, and the sweep does the same once a second: what is to be done stands in the queue table. So
 * a wiped stream costs a second, a repeated entry nothing, and the consumer never waits for an agent.
 */
import { describeError, isConnectionError } from '@aurorasoc/kit/errors';
import { backoffMs } from '@aurorasoc/kit/lifecycle';
import type { StreamEntry } from '@aurorasoc/kit/streams';
import { inSpan, SpanKind } from '@aurorasoc/kit/telemetry';
import { LANES, type Lane } from '../agent/agent-registry.js';
import { findAlertTraceparent } from '../investigation/find-alert-traceparent.js';
import {
  type Claim,
  claimTask,
  markAgentAway,
  markAgentBack,
  releaseTask,
  renewLease,
  reserveDueTasks,
  StaleClaimError,
} from './claim-task.js';
import { AgentUnavailableError } from './dispatch-agent.js';
import type { TaskOutcome } from './end-task.js';
import { finishTask } from './finish-task.js';
import { type RunServices, runTask } from './run-task.js';

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

class Stopping extends Error {}

export class TaskWorker {
  readonly #running: Record<Lane, Set<string>> = { orchestrator: new Set(), specialist: new Set() };
  readonly #taking: Record<Lane, Promise<void>> = { orchestrator: Promise.resolve(), specialist: Promise.resolve() };
  readonly #runs = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #sweep: NodeJS.Timeout | undefined;

  constructor(private readonly options: TaskWorkerOptions) {}

  start(): void {
    this.#sweep = setInterval(() => void this.#sweepOnce(), SWEEP_MS);
  }

  /** Gives the tasks at work back, so that another process takes them at once. */
  async stop(): Promise<void> {
    clearInterval(this.#sweep);
    this.#stopping.abort(new Stopping('the worker is stopping'));
    // A claim that is being made begins no work any more, but must be made before the database closes.
    await Promise.allSettled(Object.values(this.#taking));
    await Promise.all(this.#runs);
  }

  /** The stream handler: tasks were requested. */
  async wake(_entries: readonly StreamEntry[]): Promise<void> {
    await Promise.all(LANES.map((lane) => this.#take(lane)));
  }

  async #sweepOnce(): Promise<void> {
    try {
      await this.wake([]);
    } catch (error) {
      // The database's own health component tells; the next sweep tries again.
      this.options.log.debug({ error: describeError(error) }, 'Due tasks could not be read');
    }
  }

  /** Takes turns per lane, so that two wake-ups do not count the same free place twice. */
  #take(lane: Lane): Promise<void> {
    const turn = this.#taking[lane].then(
      () => this.#takeDue(lane),
      () => this.#takeDue(lane),
    );
    this.#taking[lane] = turn;
    return turn;
  }

  async #takeDue(lane: Lane): Promise<void> {
    const { database, investigationLog, name, leaseMs, concurrency } = this.options;
    const running = this.#running[lane];
    const free = concurrency[lane] - running.size;
    if (free <= 0 || this.#stopping.signal.aborted) return;
    const claims = (await reserveDueTasks(database, lane, free)).map(async (due) => {
      // Its lease ended, and this process does not know it yet.
      if (running.has(due.taskId)) return;
      const claim = await claimTask(database, investigationLog, due, name, leaseMs);
      if (claim) this.#begin(lane, claim);
    });
    // All of them, also where one fails: whoever stops the worker waits for claims that are being made.
    const failure = (await Promise.allSettled(claims)).find((claim) => claim.status === 'rejected');
    if (failure) throw failure.reason;
  }

  #begin(lane: Lane, claim: Claim): void {
    this.#running[lane].add(claim.taskId);
    const run = this.#see(claim).finally(() => {
      this.#running[lane].delete(claim.taskId);
      this.#runs.delete(run);
      this.#take(lane).catch(() => undefined); // The sweep comes within a second, and logs.
    });
    this.#runs.add(run);
  }

  /** Never throws: what goes wrong here is told to the log, and the lease's end brings the task back. */
  async #see(claim: Claim): Promise<void> {
    const { log, metrics } = this.options;
    const startedAt = performance.now();
    try {
      const outcome = await this.#perform(claim);
      if (outcome === undefined) return;
      const isAccepted = await finishTask(this.options, claim, outcome);
      if (!isAccepted) return this.#countUnmatched(claim);
      const label = outcome.status === 'COMPLETED' ? 'completed' : 'failed';
      metrics.taskDuration.observe({ agent: claim.agent, outcome: label }, performance.now() - startedAt);
    } catch (error) {
      log.error(
        { taskId: claim.taskId, agent: claim.agent, error: describeError(error) },
        'Task was left to its lease',
      );
    }
  }

  /** @returns undefined when the task was given back, or is somebody else's by now. */
  async #perform(claim: Claim): Promise<TaskOutcome | undefined> {
    if (claim.attempts > MAX_ATTEMPTS)
      return failed('AGENT_LOST', `The work of the agent ${claim.agent} was lost ${MAX_ATTEMPTS} times.`);
    const lost = new AbortController();
    const signal = AbortSignal.any([lost.signal, this.#stopping.signal]);
    const heartbeat = this.#keepLease(claim, lost);
    try {
      return await this.#dispatch(claim, signal);
    } catch (error) {
      return await this.#giveBack(claim, error);
    } finally {
      clearInterval(heartbeat);
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
      await releaseTask(database, claim, 0, false);
      return undefined;
    }
    const isAway = error instanceof AgentUnavailableError && !error.hasAnswered;
    // A lost claim is found by the release, which then changes nothing.
    if (isAway && ((await markAgentAway(database, claim)) ?? 0) > GIVE_UP_MS)
      return failed(
        'AGENT_UNAVAILABLE',
        `The agent ${claim.agent} was not available for ${GIVE_UP_MS / 60_000} minutes.`,
      );
    if (!isAway) await database.inTenant(claim.tenant, (em) => markAgentBack(em, claim));
    log.warn(
      { taskId: claim.taskId, agent: claim.agent, attempt: claim.attempts, error: describeError(error) },
      'Task is given back',
    );
    // Neither a call that never reached the agent, nor a gateway or database that is away, says anything about the task.
    const isCounted = !isAway && (error instanceof AgentUnavailableError || !isConnectionError(error));
    await releaseTask(database, claim, 500 + backoffMs(claim.attempts, 1_000, 10_000), isCounted);
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
