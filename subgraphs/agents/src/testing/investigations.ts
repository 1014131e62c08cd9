/** What specs of whole investigations share: a site per file, processes that end with their test, and the operations they send. */
import { type Principal, readPublicKey, type Scope } from '@aurorasoc/kit/auth';
import { closeServer } from '@aurorasoc/kit/health';
import { newId } from '@aurorasoc/kit/ids';
import { createLog } from '@aurorasoc/kit/log';
import { afterAll, afterEach, beforeAll, expect, onTestFinished, vi } from 'vitest';
import type { Verdict } from '../a2a/contract.js';
import { AGENTS, type AgentName } from '../agent/agent-registry.js';
import type { AgentProgram } from '../fleet/agent-program.js';
import { FleetGuard } from '../fleet/authenticate.js';
import { serveAgent } from '../fleet/serve-agent.js';
import { GraphClient } from '../graph/graph-client.js';
import { AgentTask } from '../task/task.entity.js';
import { type AgentsProcess, type ProcessShape, startAgentsProcess } from './agents-process.js';
import { ALERT_ID, attackGraph } from './event-graph.js';
import { openServices, startSite, type TestSite } from './site.js';

export const SCOPES: Scope[] = ['events:read', 'alerts:read', 'agents:read', 'rules:read', 'agents:run'];
/** Somebody in a tenant of their own. */
export const ann = (scopes = SCOPES): Principal => ({ tenant: newId(), subject: 'ann', kind: 'user', scopes });

export const INVESTIGATE =
  'mutation ($input: InvestigateInput!) { investigate(input: $input) { __typename ... on Investigation { id status version requestedBy { kind id } mode reasoner } } }';
const INVESTIGATION = `query ($id: ID!) { investigation(id: $id) {
  id status version failure { code message } alert { id } steps { ordinal agent kind title tool toolArguments citedEventIds }
  verdict { disposition severity confidence summary claims { text citations { eventId pointer value } } timeline { at eventId } couldNotCheck nextSteps }
} }`;

export interface InvestigationView {
  id: string;
  status: string;
  version: number;
  failure: { code: string } | null;
  alert: { id: string };
  steps: { ordinal: number; agent: string; kind: string; toolArguments: Record<string, unknown> | null }[];
  verdict: (Verdict & { claims: { citations: { eventId: string }[] }[] }) | null;
}

/** Waits of specs: what they wait for takes a second or so, and a busy machine makes it many; only a failure waits so long. */
export const PATIENCE = { timeout: 20_000, interval: 50 };
/** Of a test that waits with {@link PATIENCE} more than once. */
export const TEST_TIMEOUT_MS = 60_000;

export interface SpecSite {
  /** As set up for the file; to be read inside of tests only. */
  readonly site: TestSite;
  readonly services: Awaited<ReturnType<typeof openServices>>;
  /** The whole process and a fleet, until the test ends. */
  start(
    urls?: Partial<Record<AgentName, string>>,
    variables?: Readonly<Record<string, string>>,
    shape?: ProcessShape,
  ): Promise<AgentsProcess>;
  /** Another agent in the place of the fleet's, until the test ends. */
  serve(agent: AgentName, program: AgentProgram): Promise<string>;
  taskOf(who: Principal, investigationId: string, key?: string): Promise<AgentTask>;
}

/** To be called once, at the top of a spec file. */
export function useSite(): SpecSite {
  let site: TestSite;
  let services: SpecSite['services'];
  beforeAll(async () => {
    site = await startSite();
    services = await openServices(site);
  }, 120_000);
  afterAll(async () => {
    await services?.database.close();
    await site?.stop();
  });
  // What a test leaves undone is not for the workers of the next one, whose breakers it would open.
  afterEach(() => services.database.execute('delete from agents.task_queue'));
  return {
    get site() {
      return site;
    },
    get services() {
      return services;
    },
    start: async (urls = {}, variables = {}, shape = {}) => {
      const process = await startAgentsProcess(site, attackGraph(), urls, variables, shape);
      onTestFinished(() => process.stop());
      return process;
    },
    serve: (agent, program) => serveUntilTheEnd(site, agent, program),
    taskOf: (who, investigationId, key = 'orchestrator') =>
      services.database.inTenant(who.tenant, (em) => em.findOneOrFail(AgentTask, { investigationId, key })),
  };
}

async function serveUntilTheEnd(site: TestSite, agent: AgentName, program: AgentProgram): Promise<string> {
  const graph = new GraphClient('http://127.0.0.1:1');
  const guard = new FleetGuard(readPublicKey(site.keys.agents.publicFile));
  const { server, url } = await serveAgent({
    agent: AGENTS[agent],
    program,
    graph,
    guard,
    host: '127.0.0.1',
    port: 0,
    log: createLog('fleet', 'silent'),
  });
  onTestFinished(async () => {
    server.closeAllConnections();
    await closeServer(server, 0);
    await graph.close();
  });
  return url;
}

/** An agent that works until somebody ends it. */
export const hang: AgentProgram = ({ signal }) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

export async function investigate(process: AgentsProcess, who: Principal, alertId = ALERT_ID): Promise<string> {
  const { data, errors } = await process.query(who, INVESTIGATE, { input: { alertId } });
  if (errors) throw new Error(JSON.stringify(errors));
  const { id } = (data?.investigate ?? {}) as { id: string };
  return id;
}

export async function read(process: AgentsProcess, who: Principal, id: string): Promise<InvestigationView> {
  const { data, errors } = await process.query(who, INVESTIGATION, { id });
  if (errors) throw new Error(JSON.stringify(errors));
  return data?.investigation as InvestigationView;
}

export function whenEnded(process: AgentsProcess, who: Principal, id: string): Promise<InvestigationView> {
  return vi.waitFor(
    async () => {
      const investigation = await read(process, who, id);
      expect(['PENDING', 'RUNNING']).not.toContain(investigation.status);
      return investigation;
    },
    { timeout: 40_000, interval: 50 },
  );
}
