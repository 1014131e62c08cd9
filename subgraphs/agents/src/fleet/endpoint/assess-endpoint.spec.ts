import { readPrivateKey, TokenSigner } from '@aurorasoc/kit/auth';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Assessment, assessmentSchema, type StepReport } from '../../a2a/contract.js';
import { AGENTS, type AgentDefinition } from '../../agent/agent-registry.js';
import { GraphClient } from '../../graph/graph-client.js';
import { AgentTokens } from '../../task/agent-tokens.js';
import { ALERT_ID, attackGraph, bareGraph, type EventGraph, managementGraph } from '../../testing/event-graph.js';
import { makeKeys } from '../../testing/keys.js';
import { startTestGateway, type TestGateway, type TestGatewayOptions } from '../../testing/test-gateway.js';
import { isValidCitation } from '../../verdict/check-citations.js';
import { conclude } from '../orchestrator/conclude.js';
import { GraphTools } from '../tools/graph-tools.js';
import { assessEndpoint } from './assess-endpoint.js';

const keys = makeKeys();
const options: TestGatewayOptions = { keys, graph: attackGraph() };
let gateway: TestGateway;
let graph: GraphClient;

beforeAll(async () => {
  gateway = await startTestGateway(options);
  graph = new GraphClient(gateway.url);
});
afterAll(async () => {
  await graph.close();
  await gateway.stop();
  keys.remove();
});

async function assess(events: EventGraph, agent: AgentDefinition = AGENTS.endpoint, alertId = ALERT_ID) {
  options.graph = events;
  const requester = {
    tenant: '00000000-0000-4000-8000-000000000001',
    requesterId: 'ann',
    requesterScopes: ['events:read', 'alerts:read'] as const,
    agent: 'endpoint' as const,
    investigationId: '0199bbbb-0000-7000-8000-000000000001',
  };
  const { gateway: token } = await new AgentTokens(
    new TokenSigner('aurora-agents', readPrivateKey(keys.agents.privateFile), 300),
  ).forTask(requester);
  const steps: Partial<StepReport>[] = [];
  const signal = new AbortController().signal;
  const tellStep = (step: Partial<StepReport>) => void steps.push(step);
  const tools = new GraphTools({ graph, token, agent, signal, tellStep });
  const id = '0199bbbb-0000-7000-8000-000000000001';
  const result = (await assessEndpoint({
    order: { taskId: id, investigationId: id, instruction: {} },
    instruction: { alertId, question: null },
    tools,
    signal,
    tellStep,
  })) as Assessment;
  return { result: assessmentSchema.parse(result), steps };
}

const indicatorsOf = ({ findings }: Assessment): string[] => findings.map((finding) => finding.indicator);

describe('the endpoint specialist', () => {
  it('finds an attack from above, below and beside the process of the alert', async () => {
    const { result } = await assess(attackGraph());
    expect(indicatorsOf(result)).toEqual([
      'matched_event',
      'office_started_shell',
      'encoded_command',
      'evasive_shell_options',
      'user_writable_program',
      'lsass_access',
      'connected_outside',
      'discovery_burst',
      'rare_program',
    ]);
    expect(result.timeline[0]?.text).toContain('explorer.exe');
    expect(result.entities).toContainEqual({ type: 'IP', value: '203.0.113.7' });
    expect(result.couldNotCheck).toEqual([]);
    expect(conclude({ severity: 'HIGH', techniques: ['T1059.001'] }, result)).toMatchObject({
      disposition: 'TRUE_POSITIVE',
      severity: 'CRITICAL',
    });
  });

  it('cites only values that stand in the events', async () => {
    for (const events of [attackGraph(), managementGraph(), bareGraph()]) {
      const documents = new Map(events.events.map((event) => [event.id, event.document as unknown]));
      const { result } = await assess(events);
      for (const { citations } of result.findings)
        for (const citation of citations)
          expect(isValidCitation(citation, documents), JSON.stringify(citation)).toBe(true);
    }
  });

  it('gives equal assessments and equal steps for equal events', async () => {
    expect(await assess(attackGraph())).toEqual(await assess(attackGraph()));
  });

  it('recognises software management and widespread commands as reasons against an attack', async () => {
    const { result } = await assess(managementGraph());
    expect(indicatorsOf(result)).toEqual(
      expect.arrayContaining(['encoded_command', 'widespread_command', 'management_parent']),
    );
    expect(conclude({ severity: 'MEDIUM', techniques: [] }, result).disposition).toBe('BENIGN_POSITIVE');
  });

  it('does not take a program for software management by its name alone', async () => {
    const events = managementGraph();
    for (const { document } of events.events) {
      const { process } = document as { process: { parent: { executable: string } } };
      process.parent.executable = 'C:\\Users\\Public\\CcmExec.exe';
    }
    expect(indicatorsOf((await assess(events)).result)).not.toContain('management_parent');
  });

  it('decides nothing about a process of which nothing is known', async () => {
    const { result } = await assess(bareGraph());
    expect(conclude({ severity: 'HIGH', techniques: [] }, result)).toMatchObject({
      disposition: 'UNDETERMINED',
      severity: 'HIGH',
    });
  });

  it('says what it did not get to when its calls run out', async () => {
    const { result, steps } = await assess(attackGraph(), { ...AGENTS.endpoint, maxToolCalls: 4 });
    expect(result.isBudgetExhausted).toBe(true);
    expect(result.couldNotCheck).toEqual([expect.stringContaining('All 4 calls')]);
    expect(steps.filter((step) => step.kind === 'TOOL_CALL')).toHaveLength(4);
  });

  it('stays within its own budget', async () => {
    const { steps } = await assess(attackGraph());
    expect(steps.filter((step) => step.kind === 'TOOL_CALL').length).toBeLessThanOrEqual(AGENTS.endpoint.maxToolCalls);
  });

  it('asks the graph as its requester, with reading scopes only', async () => {
    gateway.seen.length = 0;
    await assess(bareGraph());
    expect(gateway.seen.length).toBeGreaterThan(0);
    for (const { principal } of gateway.seen)
      expect(principal).toEqual({
        tenant: '00000000-0000-4000-8000-000000000001',
        subject: 'ann',
        kind: 'agent',
        scopes: ['events:read', 'alerts:read'],
        actor: 'agent:endpoint',
        investigation: '0199bbbb-0000-7000-8000-000000000001',
      });
  });

  it('fails with a reason when the alert may not be seen', async () => {
    await expect(assess(bareGraph(), AGENTS.endpoint, '0199aaaa-0000-7000-8000-00000000ffff')).rejects.toMatchObject({
      code: 'ALERT_NOT_VISIBLE',
    });
  });

  it('may not use a tool that its definition does not name', async () => {
    await expect(assess(bareGraph(), { ...AGENTS.endpoint, tools: ['get_alert'] })).rejects.toMatchObject({
      code: 'TOOL_NOT_ALLOWED',
    });
  });

  it('waits for a gateway that is away for a moment', async () => {
    gateway.failWith = 503;
    const assessing = assess(bareGraph());
    setTimeout(() => (gateway.failWith = undefined), 300);
    expect((await assessing).result.findings.length).toBeGreaterThan(0);
  });
});

describe('the conclusion', () => {
  it('never lowers what a rule calls critical', () => {
    const harmless: Assessment = {
      findings: [{ indicator: 'management_parent', text: 'x', citations: [] }],
      techniques: [],
      entities: [],
      timeline: [],
      couldNotCheck: [],
      isBudgetExhausted: false,
    };
    expect(conclude({ severity: 'CRITICAL', techniques: [] }, harmless).severity).toBe('CRITICAL');
    expect(conclude({ severity: 'MEDIUM', techniques: [] }, harmless)).toMatchObject({
      disposition: 'BENIGN_POSITIVE',
      severity: 'INFORMATIONAL',
    });
  });
});
