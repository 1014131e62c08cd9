/** The domain `agents`: investigations, and the tasks by which agents are put to work on them. */
import { readPrivateKey, TokenSigner } from '@aurorasoc/kit/auth';
import { type DomainDefinition, type DomainRuntime, domainProgram } from '@aurorasoc/kit/domain';
import { EventRecorder } from '@aurorasoc/kit/events';
import { newId } from '@aurorasoc/kit/ids';
import { findHandled } from '@aurorasoc/kit/streams';
import { openDirectory } from './a2a/agent-directory.js';
import { AgentHealth } from './agent/agent-health.js';
import type { AgentsContext, AgentsServices } from './context.js';
import { type AgentsEnvironment, readAgentsEnvironment } from './environment.js';
import { agentsEvents, EVENT_READERS, RESULT_STREAM, TASK_STREAM } from './events.js';
import { GraphClient } from './graph/graph-client.js';
import { Investigation, type Mode } from './investigation/investigation.entity.js';
import { InvestigationLog } from './investigation/investigation-log.js';
import { ALERT_OPENED, ALERTS_STREAM, investigateOpenedAlerts } from './investigation/investigation-policy.js';
import { InvestigationStep } from './investigation/investigation-step.entity.js';
import { POLICY_GROUP } from './investigation/policy-request.js';
import { PostponedSweep } from './investigation/postponed-sweep.js';
import { migrations } from './migrations.js';
import { AgentTokens, TOKEN_ISSUER, TOKEN_SECONDS } from './task/agent-tokens.js';
import { AgentDispatcher } from './task/dispatch-agent.js';
import { serveTaskMetrics } from './task/serve-task-metrics.js';
import { AgentTask } from './task/task.entity.js';
import { createTaskMetrics } from './task/task-metrics.js';
import { TASK_GROUP, TaskWorker } from './task/task-worker.js';

/** Beside what resolvers use: what the workers are made of. */
interface AgentsProcess extends AgentsServices {
  readonly worker: TaskWorker;
  readonly postponed: PostponedSweep;
}

export function defineAgents(environment: AgentsEnvironment): DomainDefinition<AgentsProcess, AgentsContext> {
  return {
    domain: 'agents',
    entities: [Investigation, InvestigationStep, AgentTask],
    migrations,
    routes: { 'task.requested': TASK_STREAM, 'task.completed': RESULT_STREAM },
    readers: EVENT_READERS,
    buildSchema: async () => (await import('./schema.js')).buildAgentsSchema(),
    createServices: (runtime) => createProcess(runtime, environment),
    createContext: async (services) => (await import('./context.js')).createContext(services),
    startWorkers: async (services, runtime) => {
      await startTaskWorker(services, runtime, environment);
      startPolicy(services, runtime, environment);
    },
  };
}

function createProcess(runtime: DomainRuntime, environment: AgentsEnvironment): AgentsProcess {
  const { database, health, log, stopper } = runtime;
  const recorder = new EventRecorder('agents', environment.AURORA_SITE, agentsEvents);
  const investigationLog = new InvestigationLog(recorder);
  const mode = environment.AURORA_MODE.toUpperCase() as Mode;
  const directory = openDirectory(environment);
  const dispatcher = new AgentDispatcher({ directory });
  const tokens = new AgentTokens(
    new TokenSigner(TOKEN_ISSUER, readPrivateKey(environment.AGENTS_PRIVATE_KEY_FILE), TOKEN_SECONDS),
  );
  const graph = stopper.add('graph client', new GraphClient(environment.GATEWAY_URL), (client) => client.close());
  const worker = new TaskWorker({
    database,
    recorder,
    investigationLog,
    mode,
    dispatcher,
    tokens,
    graph,
    log,
    metrics: createTaskMetrics(health),
    name: newId(),
    concurrency: { orchestrator: environment.ORCHESTRATOR_CONCURRENCY, specialist: environment.SPECIALIST_CONCURRENCY },
    leaseMs: environment.TASK_LEASE_MS,
  });
  const postponed = new PostponedSweep({ database, recorder, investigationLog, mode, health, log });
  // Of whichever parts: the subgraph answers from what the probes find, the workers' health tells of it.
  const agentHealth = stopper.add(
    'agent probes',
    new AgentHealth({ directory, dispatcher, tokens, health, log }),
    (probes) => probes.stop(),
  );
  agentHealth.start();
  return { runtime, graph, tokens, recorder, investigationLog, mode, agentHealth, worker, postponed };
}

async function startTaskWorker(
  { worker, postponed }: AgentsProcess,
  runtime: DomainRuntime,
  environment: AgentsEnvironment,
): Promise<void> {
  const { stopper } = runtime;
  await serveTaskMetrics(runtime, environment.AGENT_TASK_WORKER_METRICS_PORT);
  worker.start();
  stopper.add('task worker', worker, () => worker.stop());
  postponed.start();
  stopper.add('postponed investigations', postponed, (sweep) => sweep.stop());
  runtime.consume({ streams: [TASK_STREAM], group: TASK_GROUP, handle: (entries) => worker.wake(entries) });
}

/** Also when it is `OFF`: the stream is kept for its slowest group, and would grow for one that nobody reads for. */
function startPolicy(
  { recorder, investigationLog, mode }: AgentsProcess,
  runtime: DomainRuntime,
  { INVESTIGATE_FROM_SEVERITY: from }: AgentsEnvironment,
): void {
  const handle = investigateOpenedAlerts(runtime.database, { recorder, investigationLog, mode }, from);
  runtime.consume({
    streams: [ALERTS_STREAM],
    group: POLICY_GROUP,
    types: [ALERT_OPENED],
    findHandled: findHandled(runtime.database, POLICY_GROUP),
    handle,
  });
}

/** The role `agents`. */
export const runAgents = domainProgram(readAgentsEnvironment, defineAgents);
