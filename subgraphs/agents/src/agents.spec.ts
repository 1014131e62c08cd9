import type { Principal, Scope } from '@aurorasoc/kit/auth';
import { readPublicKey } from '@aurorasoc/kit/auth';
import { closeServer, Health } from '@aurorasoc/kit/health';
import { newId } from '@aurorasoc/kit/ids';
import { createLog } from '@aurorasoc/kit/log';
import { connectRedis, whenReady } from '@aurorasoc/kit/streams';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Verdict } from './a2a/contract.js';
import { AGENTS, type AgentName } from './agent/agent-registry.js';
import { RESULT_STREAM } from './events.js';
import type { AgentProgram } from './fleet/agent-program.js';
import { FleetGuard } from './fleet/authenticate.js';
import { PendingResults } from './fleet/pending-results.js';
import { serveAgent } from './fleet/serve-agent.js';
import type { DelegatedTask } from './fleet/tools/graph-tools.js';
import { GraphClient } from './graph/graph-client.js';
import { startInvestigation } from './investigation/start-investigation.js';
import { claimTask } from './task/claim-task.js';
import { AgentTask } from './task/task.entity.js';
import { createTaskMetrics } from './task/task-metrics.js';
import { type AgentsProcess, startAgentsProcess } from './testing/agents-process.js';
import { ALERT_ID, attackGraph, idAt } from './testing/event-graph.js';
import { openServices, startSite, type TestSite } from './testing/site.js';

vi.setConfig({ testTimeout: 30_000 });

let site: TestSite;
let services: Awaited<ReturnType<typeof openServices>>;

beforeAll(async () => {
  site = await startSite();
  services = await openServices(site);
}, 60_000);
afterAll(async () => {
  await services?.database.close();
  await site?.stop();
});

// What a test leaves undone is not for the workers of the next one, whose breakers it would open.
afterEach(() => services.database.execute('delete from agents.task_queue'));

const SCOPES: Scope[] = ['events:read', 'alerts:read', 'agents:read', 'rules:read', 'agents:run'];
const ann = (scopes = SCOPES): Principal => ({ tenant: newId(), subject: 'ann', kind: 'user', scopes });

async function start(
  urls: Partial<Record<AgentName, string>> = {},
  variables: Readonly<Record<string, string>> = {},
): Promise<AgentsProcess> {
  const process = await startAgentsProcess(site, attackGraph(), urls, variables);
  onTestFinished(() => process.stop());
  return process;
}

/** Another agent in the place of the fleet's, until the test ends. */
async function serve(agent: AgentName, program: AgentProgram): Promise<string> {
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

const INVESTIGATE =
  'mutation ($input: InvestigateInput!) { investigate(input: $input) { __typename ... on Investigation { id status version requestedBy { kind id } mode reasoner } } }';
const INVESTIGATION = `query ($id: ID!) { investigation(id: $id) {
  id status version failure { code message } alert { id } steps { ordinal agent kind title tool citedEventIds }
  verdict { disposition severity confidence summary claims { text citations { eventId pointer value } } timeline { at eventId } couldNotCheck nextSteps }
} }`;
const PROGRESS = `subscription ($id: ID!, $after: Cursor) { investigationProgressed(id: $id, after: $after) { __typename
  ... on InvestigationProgress { cursor kind version actor { kind id } step { ordinal agent title } investigation { id status } }
  ... on CaughtUp { cursor }
} }`;

interface InvestigationView {
  id: string;
  status: string;
  version: number;
  failure: { code: string } | null;
  alert: { id: string };
  steps: { ordinal: number; agent: string; kind: string }[];
  verdict: (Verdict & { claims: { citations: { eventId: string }[] }[] }) | null;
}

async function investigate(process: AgentsProcess, who: Principal, alertId = ALERT_ID): Promise<string> {
  const { data, errors } = await process.query(who, INVESTIGATE, { input: { alertId } });
  if (errors) throw new Error(JSON.stringify(errors));
  const { id } = (data?.investigate ?? {}) as { id: string };
  return id;
}

async function read(process: AgentsProcess, who: Principal, id: string): Promise<InvestigationView> {
  const { data, errors } = await process.query(who, INVESTIGATION, { id });
  if (errors) throw new Error(JSON.stringify(errors));
  return data?.investigation as InvestigationView;
}

function whenEnded(process: AgentsProcess, who: Principal, id: string): Promise<InvestigationView> {
  return vi.waitFor(
    async () => {
      const investigation = await read(process, who, id);
      expect(['PENDING', 'RUNNING']).not.toContain(investigation.status);
      return investigation;
    },
    { timeout: 25_000, interval: 50 },
  );
}

const taskOf = (who: Principal, investigationId: string, key = 'orchestrator') =>
  services.database.inTenant(who.tenant, (em) => em.findOneOrFail(AgentTask, { investigationId, key }));
const hang: AgentProgram = ({ signal }) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

interface ProgressItem {
  __typename: string;
  cursor: string;
  kind: string;
  version: number;
  step: { ordinal: number } | null;
}

async function readProgress(
  process: AgentsProcess,
  who: Principal,
  id: string,
  after?: string,
): Promise<ProgressItem[]> {
  const items: ProgressItem[] = [];
  for await (const { investigationProgressed: item } of process.subscribe(who, PROGRESS, { id, after })) {
    const progress = item as ProgressItem;
    if (progress.__typename === 'InvestigationProgress') items.push(progress);
    if (progress.kind === 'ENDED') break;
  }
  return items;
}

describe('an investigation', () => {
  it('goes from the request over the task path to a checked verdict, every event live and in order', async () => {
    const process = await start();
    const who = ann();
    const { data } = await process.query(who, INVESTIGATE, { input: { alertId: ALERT_ID, question: 'Is it real?' } });
    const requested = data?.investigate as { id: string };
    expect(requested).toMatchObject({
      status: 'PENDING',
      version: 1,
      requestedBy: { kind: 'user', id: 'ann' },
      mode: 'REAL',
      reasoner: 'rules',
    });

    const items = await readProgress(process, who, requested.id);
    expect(items.map((item) => item.version)).toEqual(items.map((_, index) => index + 1));
    expect(items.map((item) => item.kind)).toEqual([
      'REQUESTED',
      'STARTED',
      ...items.slice(2, -1).map(() => 'STEP'),
      'ENDED',
    ]);

    const investigation = await read(process, who, requested.id);
    expect(investigation).toMatchObject({
      status: 'COMPLETED',
      failure: null,
      alert: { id: ALERT_ID },
      verdict: { disposition: 'TRUE_POSITIVE', couldNotCheck: [] },
    });
    expect(investigation.version).toBe(items.length);
    expect(items.filter((item) => item.step).map((item) => item.step?.ordinal)).toEqual(
      investigation.steps.map((step) => step.ordinal),
    );
    expect(new Set(investigation.steps.map((step) => step.agent))).toEqual(new Set(['orchestrator', 'endpoint']));
    expect(investigation.steps.at(-1)?.kind).toBe('VERDICT');
    const known = new Set(attackGraph().events.map((event) => event.id));
    for (const claim of investigation.verdict?.claims ?? [])
      for (const { eventId } of claim.citations) expect(known).toContain(eventId);

    const resumed = await readProgress(process, who, requested.id, items[3]?.cursor);
    // All but `investigation`, which is the state at emission and by now a later one.
    const told = ({ cursor, kind, version, step }: ProgressItem) => ({ cursor, kind, version, step });
    expect(resumed.map(told)).toEqual(items.slice(4).map(told));
  });

  it('exposes the metrics of its path under their fixed names', async () => {
    const process = await start();
    const who = ann();
    await whenEnded(process, who, await investigate(process, who));
    const text = await (await fetch(process.metricsUrl)).text();
    expect(text).toMatch(
      /aurora_agent_task_worker_task_duration_ms_count\{.*agent="orchestrator".*outcome="completed".*\} 1/,
    );
    expect(text).toMatch(/aurora_agent_task_worker_task_duration_ms_count\{.*agent="endpoint".*\} 1/);
    expect(text).toContain('# TYPE aurora_agent_result_correlation_latency_ms histogram');
    expect(text).toContain('# TYPE aurora_agent_result_futures_pending gauge');
    expect(text).toMatch(/aurora_agent_results_unmatched_total\{.*\} 0/);
  });

  it('asks the graph with what requester and agent both may do, and delegates as the orchestrator alone', async () => {
    const process = await start();
    const who = ann(['events:read', 'alerts:read', 'agents:read', 'agents:run']);
    await whenEnded(process, who, await investigate(process, who));
    const scopesOf = (actor: string) =>
      process.gateway.seen
        .filter(({ principal }) => principal.actor === actor)
        .map(({ principal }) => principal.scopes.join(' '));
    expect(new Set(scopesOf('agent:orchestrator'))).toEqual(
      new Set(['events:read alerts:read agents:read agents:delegate']),
    );
    expect(new Set(scopesOf('agent:endpoint'))).toEqual(new Set(['events:read alerts:read agents:read']));
    expect(
      process.gateway.seen.every(({ principal }) => principal.tenant === who.tenant && principal.subject === 'ann'),
    ).toBe(true);
  });

  it('fails with a reason when the alert may not be seen', async () => {
    const process = await start();
    const who = ann();
    const id = await investigate(process, who, newId());
    expect(await whenEnded(process, who, id)).toMatchObject({
      status: 'FAILED',
      failure: { code: 'ALERT_NOT_VISIBLE' },
      verdict: null,
    });
  });

  it('is not held up by others that wait for their specialists: those have places of their own', async () => {
    const process = await start({}, { ORCHESTRATOR_CONCURRENCY: '2', SPECIALIST_CONCURRENCY: '1' });
    const who = ann();
    const [first, second] = [newId(), newId()];
    const [alert] = attackGraph().alerts;
    if (!alert) throw new Error('no alert');
    process.setEvents({
      events: attackGraph().events,
      alerts: [alert, { ...alert, id: first }, { ...alert, id: second }],
    });
    const ids = [
      await investigate(process, who),
      await investigate(process, who, first),
      await investigate(process, who, second),
    ];
    for (const id of ids) expect(await whenEnded(process, who, id)).toMatchObject({ status: 'COMPLETED' });
  });

  it('goes on without Redis: tasks are found in the table, results in their rows', async () => {
    const process = await start();
    const who = ann();
    await site.services.stopOne('redis');
    onTestFinished(() => site.services.startOne('redis'));
    expect(await whenEnded(process, who, await investigate(process, who))).toMatchObject({ status: 'COMPLETED' });
  });
});

describe('an agent that cannot be trusted', () => {
  it('is asked once more after garbage, then the investigation fails', async () => {
    let answers = 0;
    const garbage = await serve('orchestrator', async () => {
      answers += 1;
      return { disposition: 'SURELY' };
    });
    const process = await start({ orchestrator: garbage });
    const who = ann();
    expect(await whenEnded(process, who, await investigate(process, who))).toMatchObject({
      status: 'FAILED',
      failure: { code: 'AGENT_OUTPUT_INVALID' },
    });
    expect(answers).toBe(2);
  });

  it('does not get claims published that the events do not show', async () => {
    const [real, invented] = [idAt(3), newId()];
    const verdict: Verdict = {
      disposition: 'BENIGN_POSITIVE',
      severity: 'LOW',
      confidence: 0.9,
      summary: 'Nothing to see.',
      techniques: [],
      entities: [],
      timeline: [],
      nextSteps: [],
      couldNotCheck: [],
      isBudgetExhausted: false,
      claims: [
        {
          text: 'An event that does not exist.',
          citations: [{ eventId: invented, pointer: '/process/name', value: 'x' }],
        },
        {
          text: 'A value that is not there.',
          citations: [{ eventId: real, pointer: '/process/name', value: 'notepad.exe' }],
        },
      ],
    };
    const process = await start({ orchestrator: await serve('orchestrator', async () => verdict) });
    const who = ann();
    const { verdict: published } = await whenEnded(process, who, await investigate(process, who));
    expect(published).toMatchObject({
      disposition: 'UNDETERMINED',
      confidence: 0,
      claims: [],
      couldNotCheck: [expect.stringContaining('2 of 2 claims were dropped')],
    });
    expect(await (await fetch(process.metricsUrl)).text()).toMatch(/aurora_agent_claims_dropped_total\{.*\} 2/);
  });

  it('costs a partial verdict when it is a specialist', async () => {
    const process = await start({ endpoint: await serve('endpoint', async () => ({ nonsense: true })) });
    const who = ann();
    const ended = await whenEnded(process, who, await investigate(process, who));
    expect(ended).toMatchObject({
      status: 'COMPLETED',
      verdict: {
        disposition: 'UNDETERMINED',
        couldNotCheck: [expect.stringContaining('endpoint specialist did not come to a result')],
      },
    });
  });
});

describe('a worker that is lost', () => {
  it('leaves its task to another after the lease', async () => {
    const who = ann();
    const request = {
      tenant: who.tenant,
      alertId: ALERT_ID,
      question: null,
      requester: { kind: 'user' as const, id: 'ann' },
      requesterScopes: SCOPES,
      now: new Date(),
    };
    const outcome = await services.database.inTenant(who.tenant, (em) => startInvestigation(em, services, request));
    if (outcome.kind === 'limit') throw new Error('limit');
    const { id } = outcome.investigation;
    const lost = await claimTask(
      services.database,
      services.investigationLog,
      { taskId: (await taskOf(who, id)).id, tenant: who.tenant },
      'lost',
      1_000,
    );
    expect(lost?.fence).toBe(1);
    const process = await start();
    expect(await whenEnded(process, who, id)).toMatchObject({ status: 'COMPLETED' });
    expect(await taskOf(who, id)).toMatchObject({ fence: 2, status: 'COMPLETED' });
  });

  it('does not start a specialist twice when the orchestrator runs again', async () => {
    const process = await start();
    const who = ann();
    const id = await investigate(process, who);
    await whenEnded(process, who, id);
    const endpoint = await taskOf(who, id, 'endpoint');
    expect(endpoint.fence).toBe(1);
    // The orchestrator's task as if its worker had been lost just before the verdict was stored.
    await services.database.inTenant(who.tenant, async (em) => {
      const task = await em.findOneOrFail(AgentTask, { investigationId: id, key: 'orchestrator' });
      await em.execute("update agents.investigation set status = 'RUNNING', verdict = null where id = ?", [id]);
      await em.execute("update agents.task set status = 'RUNNING', lease_until = now() where id = ?", [task.id]);
      await em.execute(
        "insert into agents.task_queue (task_id, tenant, lane, due_at) values (?, ?, 'orchestrator', now())",
        [task.id, who.tenant],
      );
    });
    const before = await read(process, who, id);
    const again = await whenEnded(process, who, id);
    expect(again.verdict?.disposition).toBe('TRUE_POSITIVE');
    expect(again.steps).toEqual(before.steps);
    expect((await taskOf(who, id, 'endpoint')).fence).toBe(1);
  });

  it('gives its tasks back when it is told to stop', async () => {
    const process = await startAgentsProcess(site, attackGraph(), { orchestrator: await serve('orchestrator', hang) });
    const who = ann();
    const id = await investigate(process, who);
    await vi.waitFor(async () => expect((await taskOf(who, id)).status).toBe('RUNNING'), {
      timeout: 5_000,
      interval: 20,
    });
    await process.stop();
    expect(await taskOf(who, id)).toMatchObject({ status: 'PENDING', attempts: 0, leaseUntil: null });
  });
});

describe('an agent that is away', () => {
  it('is shown as down, degrades nothing else, and gets its tasks when it is back', async () => {
    const process = await start({ orchestrator: 'http://127.0.0.1:1' });
    const who = ann();
    const states = async () => {
      const { data } = await process.query(who, '{ agents { name state reason } }');
      return Object.fromEntries(
        ((data?.agents ?? []) as { name: string; state: string }[]).map(({ name, state }) => [name, state]),
      );
    };
    await vi.waitFor(async () => expect(await states()).toEqual({ orchestrator: 'DOWN', endpoint: 'UP' }), {
      timeout: 5_000,
      interval: 50,
    });
    const id = await investigate(process, who);
    await vi.waitFor(async () => expect(await taskOf(who, id)).toMatchObject({ fence: 1, status: 'PENDING' }), {
      timeout: 5_000,
      interval: 20,
    });
    process.pointAgents({});
    expect(await whenEnded(process, who, id)).toMatchObject({ status: 'COMPLETED' });
    expect((await taskOf(who, id)).attempts).toBe(1);
  });
});

describe('a cancelled investigation', () => {
  it('ends at once, and its agent notices', async () => {
    const noticed = Promise.withResolvers<void>();
    const orchestrator = await serve(
      'orchestrator',
      ({ signal }) =>
        new Promise((_, reject) =>
          signal.addEventListener('abort', () => {
            noticed.resolve();
            reject(signal.reason);
          }),
        ),
    );
    const process = await start({ orchestrator });
    const who = ann();
    const id = await investigate(process, who);
    await vi.waitFor(async () => expect((await taskOf(who, id)).status).toBe('RUNNING'), {
      timeout: 5_000,
      interval: 20,
    });
    const { data } = await process.query(
      who,
      'mutation ($id: ID!) { cancelInvestigation(id: $id) { __typename ... on Investigation { status } } }',
      { id },
    );
    expect(data?.cancelInvestigation).toEqual({ __typename: 'Investigation', status: 'CANCELLED' });
    await noticed.promise;
    await vi.waitFor(
      async () =>
        expect(await (await fetch(process.metricsUrl)).text()).toMatch(/aurora_agent_results_unmatched_total\{.*\} 1/),
      { timeout: 5_000, interval: 50 },
    );
  });
});

describe('the future of a delegated task', () => {
  const hour = 3_600_000;
  const completed = (id: string): DelegatedTask => ({ id, status: 'COMPLETED', result: {}, failure: null });

  async function openResults(pollMs: number) {
    const health = new Health('fleet');
    const results = new PendingResults({
      reader: connectRedis(site.redisUrl, 'results', health),
      metrics: createTaskMetrics(health),
      health,
      log: createLog('fleet', 'silent'),
      pollMs,
    });
    const writer = connectRedis(site.redisUrl, 'writer', health);
    await whenReady(writer, 5_000);
    onTestFinished(async () => {
      await results.stop();
      writer.disconnect();
    });
    const announce = (id: string) => {
      const data = { investigationId: newId(), agent: 'endpoint', status: 'COMPLETED', fence: 1 };
      const body = JSON.stringify({ time: new Date().toISOString(), actor: { kind: 'agent', id: 'endpoint' }, data });
      return writer.xadd(
        RESULT_STREAM,
        '*',
        'id',
        newId(),
        'type',
        'task.completed',
        'subject',
        id,
        'tenant',
        newId(),
        'body',
        body,
      );
    };
    return { results, announce, health, metrics: () => health.metrics.metrics() };
  }

  it('resolves when the stream tells, and the latency is measured', async () => {
    const { results, announce, metrics, health } = await openResults(hour);
    results.start();
    const id = newId();
    let row: DelegatedTask | undefined;
    const waiting = results.wait(id, async () => row, new AbortController().signal);
    await vi.waitFor(async () => expect(await metrics()).toMatch(/aurora_agent_result_futures_pending\{.*\} 1/));
    await vi.waitFor(() => expect(health.report().components.results?.state).toBe('up'), {
      timeout: 5_000,
      interval: 20,
    });
    row = completed(id);
    await announce(id);
    expect(await waiting).toEqual(row);
    expect(await metrics()).toMatch(/aurora_agent_result_futures_pending\{.*\} 0/);
    await vi.waitFor(async () =>
      expect(await metrics()).toMatch(
        /aurora_agent_result_correlation_latency_ms_count\{.*agent="endpoint".*outcome="completed".*\} [1-9]/,
      ),
    );
  });

  it('looks at the row when the reader takes its place: what was told before is not on the stream any more', async () => {
    const { results, announce } = await openResults(hour);
    const id = newId();
    let row: DelegatedTask | undefined;
    const asked = Promise.withResolvers<void>();
    const readTask = async () => {
      asked.resolve();
      return row;
    };
    const waiting = results.wait(id, readTask, new AbortController().signal);
    await asked.promise;
    row = completed(id);
    await announce(id);
    results.start();
    expect(await waiting).toEqual(row);
  });

  it('asks the row now and then, whatever the stream does', async () => {
    const { results } = await openResults(20);
    const id = newId();
    let asked = 0;
    expect(
      await results.wait(id, async () => (++asked < 3 ? undefined : completed(id)), new AbortController().signal),
    ).toEqual(completed(id));
  });

  it('ends with whoever waits', async () => {
    const { results } = await openResults(hour);
    const abort = new AbortController();
    const waiting = results.wait(newId(), async () => undefined, abort.signal);
    abort.abort(new Error('nobody waits'));
    await expect(waiting).rejects.toThrow('nobody waits');
  });
});

describe('the graph', () => {
  it('refuses what the caller may not do, and names the field that is wrong', async () => {
    const process = await start();
    const errorOf = async (who: Principal, document: string, variables = {}) =>
      (await process.query(who, document, variables)).errors?.[0]?.extensions;
    expect(await errorOf(ann(['agents:read']), INVESTIGATE, { input: { alertId: ALERT_ID } })).toMatchObject({
      code: 'FORBIDDEN',
    });
    expect(await errorOf(ann(['agents:run']), '{ investigations { nodes { id } } }')).toMatchObject({
      code: 'FORBIDDEN',
    });
    expect(await errorOf(ann(), INVESTIGATE, { input: { alertId: 'x' } })).toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'input.alertId',
    });
    expect(await errorOf(ann(), INVESTIGATE, { input: {} })).toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'input.alertId',
    });
    expect(
      await errorOf(ann(), INVESTIGATE, { input: { alertId: ALERT_ID, question: 'x'.repeat(2_001) } }),
    ).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.question' });
    const delegate = 'mutation ($input: DelegateTaskInput!) { delegateTask(input: $input) { __typename } }';
    expect(
      await errorOf(ann(), delegate, { input: { investigationId: newId(), key: 'k', agent: 'endpoint' } }),
    ).toMatchObject({ code: 'FORBIDDEN' });
  });

  it('pages through investigations, and shows those of each alert newest first, to their tenant alone', async () => {
    const process = await start({ orchestrator: await serve('orchestrator', hang) });
    const who = ann();
    const alerts = [newId(), newId(), newId()];
    const ids: string[] = [];
    for (const alertId of alerts) ids.push(await investigate(process, who, alertId));
    const list =
      'query ($after: String) { investigations(first: 2, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } }';
    const first = (await process.query(who, list)).data?.investigations as {
      nodes: { id: string }[];
      pageInfo: { endCursor: string; hasNextPage: boolean };
    };
    expect(first).toMatchObject({ nodes: [{ id: ids[2] }, { id: ids[1] }], pageInfo: { hasNextPage: true } });
    const second = (await process.query(who, list, { after: first.pageInfo.endCursor })).data?.investigations;
    expect(second).toMatchObject({ nodes: [{ id: ids[0] }], pageInfo: { hasNextPage: false } });

    const entities =
      'query ($of: [_Any!]!) { _entities(representations: $of) { ... on Alert { investigations { id } } } }';
    const of = alerts.map((id) => ({ __typename: 'Alert', id }));
    expect((await process.query(who, entities, { of })).data?._entities).toEqual(
      ids.map((id) => ({ investigations: [{ id }] })),
    );
    expect((await process.query(ann(), entities, { of })).data?._entities).toEqual(
      ids.map(() => ({ investigations: [] })),
    );
  });
});
