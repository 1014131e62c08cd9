/** A task worker in this process as the agents' process has it, but for who is asked: whoever it is, they answer at once. */
import { agentsEvents } from '@aurorasoc/agents/events';
import {
  AgentTask,
  AgentTokens,
  createTaskMetrics,
  Investigation,
  InvestigationLog,
  InvestigationStep,
  RESULT_STREAM,
  requestTask,
  TASK_GROUP,
  TASK_STREAM,
  TaskWorker,
  TOKEN_ISSUER,
  TOKEN_SECONDS,
} from '@aurorasoc/agents/tasks';
import { readPrivateKey, TokenSigner } from '@aurorasoc/kit/auth';
import { EventRecorder, startEventPublisher } from '@aurorasoc/kit/events';
import { Health } from '@aurorasoc/kit/health';
import { newId } from '@aurorasoc/kit/ids';
import { createLog } from '@aurorasoc/kit/log';
import { startConsumer } from '@aurorasoc/kit/streams';
import type { Client } from 'pg';
import type { Installation } from '../../soak/streams/installation.js';

export interface TaskSite {
  readonly worker: TaskWorker;
  /** Puts so many tasks into the queue, of several investigations of several tenants. */
  seed(tasks: number): Promise<void>;
  /** Requests one task as the product does. */
  request(): Promise<{ id: string; committingAt: number }>;
}

interface Place {
  readonly id: string;
  readonly tenant: string;
}

/** What a process of the product runs of specialists' tasks at a time, unless told otherwise. */
export const CONCURRENCY = 16;
const POOL = 4;
const TENANTS = 8;
const INVESTIGATIONS = 400;
const NO_ALERT = newId();
const NOTHING_FOUND = {
  findings: [],
  techniques: [],
  entities: [],
  timeline: [],
  couldNotCheck: [],
  isBudgetExhausted: false,
};

export async function startTaskSite(installation: Installation, database: string): Promise<TaskSite> {
  const log = createLog('bench', 'silent');
  const health = new Health('bench');
  const entities = [Investigation, InvestigationStep, AgentTask];
  const svc = await installation.openDomain(database, 'agents', POOL, 'svc', entities);
  const recorder = new EventRecorder('agents', 'bench', agentsEvents);
  const worker = new TaskWorker({
    database: svc,
    recorder,
    investigationLog: new InvestigationLog(recorder),
    mode: 'REAL',
    dispatcher: { dispatch: async () => ({ kind: 'result', data: NOTHING_FOUND }) },
    tokens: new AgentTokens(new TokenSigner(TOKEN_ISSUER, readPrivateKey(installation.agentsKeyFile), TOKEN_SECONDS)),
    // Only orchestrators' tasks ask the graph.
    graph: {} as never,
    log,
    metrics: createTaskMetrics(health),
    name: newId(),
    concurrency: { orchestrator: CONCURRENCY, specialist: CONCURRENCY },
    leaseMs: 30_000,
  });
  const publisher = startEventPublisher({
    domain: 'agents',
    databaseUrl: installation.relayUrl(database, 'agents'),
    redis: await installation.openRedis('relay'),
    routes: { 'task.requested': TASK_STREAM, 'task.completed': RESULT_STREAM },
    log,
    health,
  });
  installation.onStop(() => publisher.stop());
  const consumer = startConsumer({
    streams: [TASK_STREAM],
    group: TASK_GROUP,
    consumer: 'bench',
    redis: await installation.openRedis('consumer'),
    reader: await installation.openRedis('consumer reader'),
    handle: (entries) => worker.wake(entries),
    log,
    health,
  });
  installation.onStop(() => consumer.stop());
  // Its tasks are given back while the database is still open.
  worker.start();
  installation.onStop(() => worker.stop());
  const admin = await installation.openAdmin(database);
  const places = await openInvestigations(admin);
  let asked = 0;
  return {
    worker,
    seed: (tasks) => seedTasks(admin, places, tasks),
    request: async () => {
      const { tenant, id: investigationId } = places[asked++ % places.length] as Place;
      let committingAt = 0;
      const task = await svc.inTenant(tenant, async (em) => {
        const requested = await requestTask(em, recorder, {
          tenant,
          investigationId,
          key: newId(),
          agent: 'endpoint',
          instruction: { alertId: NO_ALERT, question: null },
          actor: { kind: 'agent', id: 'orchestrator' },
          now: new Date(),
        });
        committingAt = performance.now();
        return requested;
      });
      return { id: task.id, committingAt };
    },
  };
}

/** As many as a busy site works on; their rows are locked by whoever claims or ends one of their tasks. */
async function openInvestigations(admin: Client): Promise<Place[]> {
  const tenants = Array.from({ length: TENANTS }, () => newId());
  const { rows } = await admin.query<Place>(
    `insert into agents.investigation (id, tenant, version, alert_id, status, mode, reasoner, requester_kind, requester_id,
       requester_scopes, step_count, requested_at, started_at)
     select gen_random_uuid(), ($1::uuid[])[1 + n % $2], 1, gen_random_uuid(), 'RUNNING', 'REAL', 'RULES', 'user', 'bench',
       array['events:read', 'alerts:read'], 0, now(), now()
     from generate_series(1, $3::int) n returning id, tenant`,
    [tenants, TENANTS, INVESTIGATIONS],
  );
  return rows;
}

/** Rows as requests leave them, due one after the other, by turns of the investigations. */
async function seedTasks(admin: Client, places: readonly Place[], tasks: number): Promise<void> {
  await admin.query(
    `with requested as (
       insert into agents.task (id, tenant, version, investigation_id, key, agent, instruction, status, fence, attempts, requested_at)
       select gen_random_uuid(), ($2::uuid[])[1 + n % $4], 1, ($1::uuid[])[1 + n % $4], gen_random_uuid()::text, 'endpoint',
         $5::jsonb, 'PENDING', 0, 0, now()
       from generate_series(1, $3::int) n returning id, tenant)
     insert into agents.task_queue (task_id, tenant, lane, due_at)
     select id, tenant, 'specialist', now() + row_number() over () * interval '1 microsecond' - interval '1 second' from requested`,
    [
      places.map(({ id }) => id),
      places.map(({ tenant }) => tenant),
      tasks,
      places.length,
      JSON.stringify({ alertId: NO_ALERT, question: null }),
    ],
  );
}
