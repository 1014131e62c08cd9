import { readPrivateKey, TokenSigner } from '@aurorasoc/kit/auth';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Assessment, assessmentSchema, type StepReport } from '../../a2a/contract.js';
import { AGENTS, type AgentDefinition } from '../../agent/agent-registry.js';
import { GraphClient } from '../../graph/graph-client.js';
import { AgentTokens } from '../../task/agent-tokens.js';
import {
  ALERT_ID,
  attackGraph,
  bareGraph,
  type EventGraph,
  EventWriter,
  idAt,
  managementGraph,
} from '../../testing/event-graph.js';
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

async function assess(
  events: EventGraph,
  agent: AgentDefinition = AGENTS.endpoint,
  alertId = ALERT_ID,
  refused: RegExp | undefined = undefined,
) {
  options.graph = events;
  gateway.refuse = refused;
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

  it('claims nothing about other hosts when it did not see all runs', async () => {
    const writer = new EventWriter(bareGraph().events);
    const [start] = writer.events;
    for (let run = 0; run < 250; run++)
      writer.processStart({
        host: 'noisy.example.test',
        pid: 1_000 + run,
        executable: 'C:\\Program Files\\Tool\\tool.exe',
        commandLine: 'tool.exe',
        atSecond: 1 + run,
      });
    // The alert is about the noisy host, and the newest runs are all its own.
    const [alert] = bareGraph().alerts;
    const noisy = writer.events.at(-1);
    if (!alert || !start || !noisy) throw new Error('no alert');
    const { result } = await assess({ alerts: [{ ...alert, eventIds: [noisy.id] }], events: writer.events });
    expect(indicatorsOf(result)).not.toContain('rare_program');
    expect(result.couldNotCheck).toEqual([
      expect.stringContaining('On how many hosts the program ran'),
      expect.stringContaining('On how many hosts the command ran'),
      expect.stringContaining('The user did more'),
    ]);
  });

  it('calls a command widespread by the runs that it saw, also when there were more', async () => {
    const writer = new EventWriter();
    for (let run = 0; run < 250; run++)
      writer.processStart({
        host: `ws${run % 20}.example.test`,
        pid: 1_000 + run,
        executable: 'C:\\Program Files\\Tool\\tool.exe',
        commandLine: 'tool.exe',
        atSecond: run,
      });
    const [alert] = bareGraph().alerts;
    if (!alert) throw new Error('no alert');
    const { result } = await assess({ alerts: [{ ...alert, eventIds: [idAt(1)] }], events: writer.events });
    expect(indicatorsOf(result)).toEqual(expect.arrayContaining(['widespread_command', 'widespread_program']));
    expect(result.couldNotCheck).toEqual([]);
  });

  it('says within which time a process did nothing else', async () => {
    const { result } = await assess(bareGraph());
    const silence = result.findings.find((finding) => finding.indicator === 'no_follow_up');
    expect(silence?.text).toContain('Within ten minutes');
  });

  it('goes on without a search whose answer is too large, says so, and claims no silence', async () => {
    const writer = new EventWriter(bareGraph().events);
    const large = 'x'.repeat(1024 * 1024);
    for (let file = 0; file < 40; file++)
      writer.write(1, 'ws01.example.test', '11', 'file-created', {
        user: { name: 'alice' },
        process: { entity_id: 'another' },
        file: { path: large },
      });
    const { result } = await assess({ alerts: bareGraph().alerts, events: writer.events });
    expect(indicatorsOf(result)).toEqual(expect.arrayContaining(['matched_event', 'rare_program']));
    expect(indicatorsOf(result)).not.toContain('no_follow_up');
    expect(result.couldNotCheck).toEqual([
      'The search for what the user did on the host around that time failed: The answer of the graph is too large',
    ]);
    expect(result.isBudgetExhausted).toBe(false);
  });

  it('examines a few of the events of an alert that are too large together', async () => {
    const writer = new EventWriter();
    const large = 'x'.repeat(1024 * 1024);
    for (let file = 0; file < 40; file++)
      writer.write(file, 'ws01.example.test', '11', 'file-created', { file: { path: large } });
    const [alert] = bareGraph().alerts;
    if (!alert) throw new Error('no alert');
    const { result } = await assess({
      alerts: [{ ...alert, eventIds: writer.events.map((event) => event.id) }],
      events: writer.events,
    });
    expect(indicatorsOf(result)).toContain('matched_event');
    expect(result.couldNotCheck).toContainEqual('Only the newest 5 of 40 events of the alert were examined.');
  });

  it('stops searching when the graph answers nothing any more, and concludes from what it has', async () => {
    const { result } = await assess(attackGraph(), AGENTS.endpoint, ALERT_ID, /AgentEvents/);
    expect(indicatorsOf(result)).toContain('encoded_command');
    expect(result.couldNotCheck).toEqual(
      expect.arrayContaining([
        expect.stringContaining('The search for the parent process failed'),
        expect.stringContaining('Nothing more was searched for'),
      ]),
    );
  });

  it('tells nothing that is longer than the other side takes, whatever names are made of', async () => {
    const hidden = '\u202e'.repeat(900);
    const writer = new EventWriter();
    const event = writer.write(1, 'ws01.example.test', '11', hidden, {
      process: { name: hidden },
      file: { path: hidden },
    });
    const [alert] = bareGraph().alerts;
    if (!alert) throw new Error('no alert');
    const { result } = await assess({ alerts: [{ ...alert, eventIds: [event.id] }], events: writer.events });
    expect(result.timeline).toHaveLength(1);
  });

  it('waits for a gateway that is away for a moment', async () => {
    gateway.failWith = 503;
    const assessing = assess(bareGraph());
    setTimeout(() => (gateway.failWith = undefined), 300);
    expect((await assessing).result.findings.length).toBeGreaterThan(0);
  });
});

describe('the conclusion', () => {
  it('shows the points of everything that it weighed, so that they add up to the score', async () => {
    for (const [severity, events] of [
      ['CRITICAL', attackGraph()],
      ['INFORMATIONAL', managementGraph()],
      ['LOW', bareGraph()],
    ] as const) {
      const { summary } = conclude({ severity, techniques: [] }, (await assess(events)).result);
      const points = [...summary.matchAll(/\(([+-]\d+)\)/g)].map(([, number]) => Number(number));
      expect(
        points.reduce((sum, number) => sum + number, 0),
        summary,
      ).toBe(Number(/Score (-?\d+)/.exec(summary)?.[1]));
      expect(summary).toContain(`severity ${severity} (+`);
    }
  });

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
