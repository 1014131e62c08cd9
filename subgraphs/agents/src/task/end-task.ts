/** Ends tasks: by their result, by a failure, or because their investigation ends. */
import { arrayLiteral, type EntityManager, executeBound } from '@aurorasoc/kit/database';
import type { Actor, EventRecorder } from '@aurorasoc/kit/events';
import type { FailureReport } from '../a2a/contract.js';
import type { AgentName } from '../agent/agent-registry.js';
import type { AgentsEvents } from '../events.js';

export type TaskOutcome =
  | { readonly status: 'COMPLETED'; readonly result: Record<string, unknown> }
  | { readonly status: 'FAILED'; readonly failure: FailureReport };

export interface TaskEnd {
  readonly taskId: string;
  /** The end of any other fence than the row's is refused. */
  readonly fence: number;
  /** A task may be cancelled before it runs; everything else comes of a run. */
  readonly outcome: TaskOutcome | { readonly status: 'CANCELLED' };
  readonly actor: Actor;
  /** The span that brought the end. @default the active one */
  readonly traceparent?: string | undefined;
}

/** Ends the tasks of an investigation that is over; their agents are told at their next sign of life. */
export async function cancelOpenTasks(
  em: EntityManager,
  recorder: EventRecorder<AgentsEvents>,
  investigationId: string,
  actor: Actor,
  now: Date,
): Promise<void> {
  // Locked, as claims of specialists do not lock the investigation: the fence stays what is read here.
  const open = await executeBound<{ id: string; fence: number }>(
    em,
    `select id, fence from agents.task where investigation_id = $1 and status in ('PENDING', 'RUNNING') order by id for update`,
    [investigationId],
  );
  const ends = open.map(({ id, fence }) => ({ taskId: id, fence, outcome: { status: 'CANCELLED' } as const, actor }));
  await endTasks(em, recorder, ends, now);
}

/**
 * Ends tasks of the open transaction's tenant, with their events. Rows are locked in the order of their ids, so that two who end
 * several tasks never wait in a circle; who changes investigations too has locked those before.
 *
 * @param ends - one per task.
 * @returns ids of the tasks that ended; the others had ended before, or have another holder by now.
 */
export async function endTasks(
  em: EntityManager,
  recorder: EventRecorder<AgentsEvents>,
  ends: readonly TaskEnd[],
  now: Date,
): Promise<ReadonlySet<string>> {
  if (ends.length === 0) return new Set();
  const rows = await writeEnds(em, ends, now);
  const endOf = new Map(ends.map((end) => [end.taskId, end]));
  const events = rows.flatMap(({ id, tenant, version, investigationId, agent, fence }) => {
    const end = endOf.get(id);
    if (end === undefined) return [];
    const { actor, traceparent, outcome } = end;
    const data = { investigationId, agent, status: outcome.status, fence };
    return [
      { type: 'task.completed' as const, subject: id, version, tenant, actor, traceparent, data, occurredAt: now },
    ];
  });
  await recorder.recordAll(em, events);
  return new Set(rows.map((row) => row.id));
}

interface EndedRow {
  readonly id: string;
  readonly tenant: string;
  readonly version: number;
  readonly investigationId: string;
  readonly agent: AgentName;
  readonly fence: number;
}

function writeEnds(em: EntityManager, ends: readonly TaskEnd[], now: Date): Promise<EndedRow[]> {
  const results = ends.map(({ outcome }) => (outcome.status === 'COMPLETED' ? JSON.stringify(outcome.result) : null));
  const failures = ends.map(({ outcome }) => (outcome.status === 'FAILED' ? JSON.stringify(outcome.failure) : null));
  return executeBound<EndedRow>(
    em,
    `with given as materialized (
       select * from unnest($1::uuid[], $2::integer[], $3::text[], $4::jsonb[], $5::jsonb[])
         given (id, fence, status, result, failure)
     ), held as materialized (
       select id, fence, status from agents.task where id = any($1::uuid[]) order by id for update
     ), ended as (
       update agents.task set status = given.status, version = task.version + 1, finished_at = $6, lease_until = null,
         result = given.result, failure = given.failure
       from held join given using (id)
       where task.id = any($1::uuid[]) and task.id = held.id and held.fence = given.fence
         and (held.status = 'RUNNING' or (held.status = 'PENDING' and given.status = 'CANCELLED'))
       returning task.id, task.tenant, task.version, task.investigation_id, task.agent, task.fence
     ), dequeued as (
       delete from agents.task_queue where task_id = any(array(select id from ended))
     )
     select id, tenant, version, investigation_id as "investigationId", agent, fence from ended order by id`,
    [
      arrayLiteral(ends.map((end) => end.taskId)),
      arrayLiteral(ends.map((end) => end.fence)),
      arrayLiteral(ends.map((end) => end.outcome.status)),
      arrayLiteral(results),
      arrayLiteral(failures),
      now.toISOString(),
    ],
  );
}
