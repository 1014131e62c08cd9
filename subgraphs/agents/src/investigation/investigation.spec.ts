import type { Principal } from '@aurorasoc/kit/auth';
import { Health } from '@aurorasoc/kit/health';
import { newId } from '@aurorasoc/kit/ids';
import { connectRedis, whenReady } from '@aurorasoc/kit/streams';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { AgentsProcess } from '../testing/agents-process.js';
import { ALERT_ID, attackGraph, busyAttackGraph, unstorableAttackGraph } from '../testing/event-graph.js';
import {
  ann,
  INVESTIGATE,
  investigate,
  PATIENCE,
  read,
  TEST_TIMEOUT_MS,
  useSite,
  whenEnded,
} from '../testing/investigations.js';
import { alertOpened } from '../testing/use-cases.js';
import { ALERTS_STREAM } from './investigation-policy.js';
import { POLICY_GROUP } from './policy-request.js';
import { MAX_UNFINISHED, requesterOf, startInvestigation } from './start-investigation.js';

vi.setConfig({ testTimeout: TEST_TIMEOUT_MS });

const spec = useSite();
const { start } = spec;

const PROGRESS = `subscription ($id: ID!, $after: Cursor) { investigationProgressed(id: $id, after: $after) { __typename
  ... on InvestigationProgress { cursor kind version actor { kind id } step { ordinal agent title } investigation { id status } }
  ... on CaughtUp { cursor }
} }`;

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

  it('may cite more events than one question to the gateway can ask for', async () => {
    const process = await start();
    process.setEvents(busyAttackGraph());
    const who = ann();
    const investigation = await whenEnded(process, who, await investigate(process, who));
    expect(investigation).toMatchObject({ status: 'COMPLETED', verdict: { disposition: 'TRUE_POSITIVE' } });
    expect(investigation.verdict?.timeline.length).toBeGreaterThan(40);
  });

  it('is not prevented by events that hold what PostgreSQL cannot: it stores U+FFFD in its place, and says so', async () => {
    const process = await start();
    process.setEvents(unstorableAttackGraph());
    const who = ann();
    const investigation = await whenEnded(process, who, await investigate(process, who));
    expect(investigation).toMatchObject({
      status: 'COMPLETED',
      verdict: { disposition: 'TRUE_POSITIVE', couldNotCheck: [expect.stringContaining('U+FFFD')] },
    });
    const cited = investigation.verdict?.claims.flatMap((claim) => claim.citations.map(({ value }) => value));
    expect(cited).toContain('HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\x\uFFFD\uFFFD');
    expect(cited?.filter((value) => String(value).includes(' -nop \uFFFD\uFFFD')).length).toBeGreaterThan(0);
    expect(investigation.steps.some(({ toolArguments }) => JSON.stringify(toolArguments).includes('\uFFFD'))).toBe(
      true,
    );
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

  it('starts also when nobody can say whether there is the alert, and fails with a reason when there is none', async () => {
    const process = await start();
    const who = ann();
    process.gateway.failWith = 503;
    const id = await investigate(process, who, newId());
    process.gateway.failWith = undefined;
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

  it('of an alert without room waits in line, which the metrics show, and starts when another is cancelled', async () => {
    const process = await start({}, { ORCHESTRATOR_CONCURRENCY: '1' });
    const who = ann();
    const unfinished = await spec.services.database.inTenant(who.tenant, async (em) => {
      const ids: string[] = [];
      for (let count = 0; count < MAX_UNFINISHED; count++) {
        const request = { ...requesterOf(who), alertId: newId(), question: null, now: new Date() };
        const outcome = await startInvestigation(em, spec.services, request);
        if (outcome.kind !== 'limit') ids.push(outcome.investigation.id);
      }
      // None of them is to end by itself.
      await em.execute('delete from agents.task_queue where tenant = ?', [who.tenant]);
      return ids;
    });
    const redis = connectRedis(spec.site.redisUrl, 'writer', new Health('spec'));
    onTestFinished(() => redis.disconnect());
    await whenReady(redis, PATIENCE.timeout);
    const opened = alertOpened(who.tenant, ALERT_ID, 'CRITICAL');
    await redis.xadd(ALERTS_STREAM, '*', ...[...opened.fields].flat());
    await vi.waitFor(
      async () =>
        expect(await (await fetch(process.metricsUrl)).text()).toMatch(
          /aurora_agent_investigations_postponed\{.*\} 1\n/,
        ),
      PATIENCE,
    );
    await process.query(who, 'mutation ($id: ID!) { cancelInvestigation(id: $id) { __typename } }', {
      id: unfinished[0],
    });
    const list = 'query ($of: ID) { investigations(alertId: $of) { nodes { id requestedBy { kind } } } }';
    const { data } = await process.query(who, list, { of: ALERT_ID });
    const { nodes } = (data?.investigations ?? { nodes: [] }) as {
      nodes: { id: string; requestedBy: { kind: string } }[];
    };
    expect(nodes).toMatchObject([{ requestedBy: { kind: 'service' } }]);
    expect(await whenEnded(process, who, nodes[0]?.id ?? '')).toMatchObject({ status: 'COMPLETED' });
  });

  it('of no alert starts while the policy is off, which reads its stream all the same', async () => {
    const process = await start({}, { INVESTIGATE_FROM_SEVERITY: 'OFF' });
    const who = ann();
    const redis = connectRedis(spec.site.redisUrl, 'writer', new Health('spec'));
    onTestFinished(() => redis.disconnect());
    await whenReady(redis, PATIENCE.timeout);
    const opened = alertOpened(who.tenant, ALERT_ID, 'CRITICAL');
    const entryId = await redis.xadd(ALERTS_STREAM, '*', ...[...opened.fields].flat());
    await vi.waitFor(async () => {
      const groups = (await redis.xinfo('GROUPS', ALERTS_STREAM)) as unknown[][];
      const policy = groups
        .map((facts) => Object.fromEntries(facts.map((name, index) => [name, facts[index + 1]])))
        .find(({ name }) => name === POLICY_GROUP);
      expect(policy).toMatchObject({ 'last-delivered-id': entryId, pending: 0 });
    }, PATIENCE);
    const { data } = await process.query(who, '{ investigations { nodes { id } } }');
    expect(data?.investigations).toEqual({ nodes: [] });
  });

  it('goes on without Redis: tasks are found in the table, results in their rows', async () => {
    const process = await start();
    const who = ann();
    await spec.site.services.stopOne('redis');
    onTestFinished(() => spec.site.services.startOne('redis'));
    expect(await whenEnded(process, who, await investigate(process, who))).toMatchObject({ status: 'COMPLETED' });
  });
});
