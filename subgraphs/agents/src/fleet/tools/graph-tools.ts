/**
 * The tools of an agent: each asks the graph with the investigation's own token, is counted against the agent's budget, and is
 * told as a step. All of them only read, or ask for work inside of the investigation (tiers T0 and T1).
 */
import { isConnectionError } from '@aurorasoc/kit/errors';
import { backoffMs, sleep } from '@aurorasoc/kit/lifecycle';
import { z } from 'zod';
import { SEVERITIES } from '../../a2a/contract.js';
import type { AgentDefinition, AgentName, ToolName } from '../../agent/agent-registry.js';
import type { GraphClient } from '../../graph/graph-client.js';
import { AgentFailure, type AgentRun, ToolBudgetExhausted } from '../agent-program.js';
import { formatQuery, type SearchTerm } from './query-text.js';

const eventSchema = z.object({ id: z.string(), timestamp: z.string(), document: z.record(z.string(), z.unknown()) });
/** A stored event as the reasoner sees it. */
export type StoredEvent = z.output<typeof eventSchema>;

const pageInfoSchema = z.object({ hasNextPage: z.boolean() });
const alertSchema = z.object({
  id: z.string(),
  title: z.string(),
  severity: z.enum(SEVERITIES),
  techniques: z.array(z.string()),
  count: z.number(),
  firstSeenAt: z.string(),
  lastSeenAt: z.string(),
  events: z.object({ nodes: z.array(eventSchema), pageInfo: pageInfoSchema }),
});
export type AlertWithEvents = z.output<typeof alertSchema>;

const GET_ALERT = `query AgentAlert($id: ID!, $first: Int) {
  alert(id: $id) { id title severity techniques count firstSeenAt lastSeenAt events(first: $first) { nodes { id timestamp document } pageInfo { hasNextPage } } }
}`;
const SEARCH_EVENTS = `query AgentEvents($query: String, $range: TimeRangeInput, $first: Int) {
  events(query: $query, range: $range, first: $first) { nodes { id timestamp document } pageInfo { hasNextPage } }
}`;
const DELEGATE_TASK = `mutation AgentDelegate($input: DelegateTaskInput!) {
  delegateTask(input: $input) { __typename ... on AgentTask { id status } ... on InvestigationFinished { id } ... on InvestigationNotFound { id } }
}`;
const GET_TASK = 'query AgentTask($id: ID!) { task(id: $id) { id status result failure { code message } } }';

const taskSchema = z.object({
  id: z.string(),
  status: z.enum(['PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED']),
  result: z.record(z.string(), z.unknown()).nullable(),
  failure: z.object({ code: z.string(), message: z.string() }).nullable(),
});
export type DelegatedTask = z.output<typeof taskSchema>;

export interface EventSearch {
  readonly terms: readonly SearchTerm[];
  /** Inclusive. */
  readonly from: Date;
  /** Exclusive. */
  readonly to: Date;
  /** At most 200. */
  readonly first: number;
}

export interface FoundEvents {
  /** Oldest first; equal times by id. */
  readonly events: readonly StoredEvent[];
  readonly hasMore: boolean;
}

export interface GraphToolsOptions {
  readonly graph: GraphClient;
  readonly token: string;
  readonly agent: AgentDefinition;
  readonly signal: AbortSignal;
  readonly tellStep: AgentRun['tellStep'];
}

/** A gateway that restarts is back within this many attempts. */
const MAX_ATTEMPTS = 7;
/** Once a search has been given up: an answer that is too large for the gateway also says "not available", however often. */
const MAX_FURTHER_ATTEMPTS = 2;

export class GraphTools {
  #calls = 0;
  #hasGivenUp = false;

  constructor(private readonly options: GraphToolsOptions) {}

  /** The alert with its newest events; undefined where the requester sees none such. */
  async getAlert(id: string, events: number): Promise<AlertWithEvents | undefined> {
    return this.#call('get_alert', { id, events }, async () => {
      const { alert } = await this.#query(z.object({ alert: alertSchema.nullable() }), GET_ALERT, {
        id,
        first: events,
      });
      if (!alert) return { value: undefined, title: 'Asked for the alert: there is none that may be seen', cited: [] };
      const value = { ...alert, events: { ...alert.events, nodes: sortEvents(alert.events.nodes) } };
      return {
        value,
        title: `Asked for the alert and its ${alert.events.nodes.length} newest events`,
        cited: value.events.nodes.map((event) => event.id),
      };
    });
  }

  /** @param purpose - what the search is for, for people: "Asked for …". */
  async searchEvents(purpose: string, { terms, from, to, first }: EventSearch): Promise<FoundEvents> {
    const query = formatQuery(terms);
    const range = { from: from.toISOString(), to: to.toISOString() };
    return this.#call('search_events', { query, range, first }, async () => {
      const schema = z.object({ events: z.object({ nodes: z.array(eventSchema), pageInfo: pageInfoSchema }) });
      const { events } = await this.#query(schema, SEARCH_EVENTS, { query, range, first });
      const value = { events: sortEvents(events.nodes), hasMore: events.pageInfo.hasNextPage };
      return {
        value,
        title: `Asked for ${purpose}: ${events.nodes.length}${value.hasMore ? ' or more' : ''} events`,
        cited: value.events.map((event) => event.id),
      };
    });
  }

  /** Puts a specialist to work. @returns the task's id. @throws AgentFailure when the investigation has ended. */
  async delegateTask(input: {
    investigationId: string;
    key: string;
    agent: AgentName;
    instruction: string | null;
  }): Promise<string> {
    return this.#call('delegate_task', input, async () => {
      const schema = z.object({ delegateTask: z.object({ __typename: z.string(), id: z.string() }) });
      const { delegateTask } = await this.#query(schema, DELEGATE_TASK, { input });
      if (delegateTask.__typename !== 'AgentTask')
        throw new AgentFailure('INVESTIGATION_ENDED', 'The investigation has ended meanwhile.');
      return { value: delegateTask.id, title: `Put the specialist ${input.agent} to work`, cited: [] };
    });
  }

  /** A delegated task as its row says; not counted, as waiting is not work. */
  async readTask(id: string): Promise<DelegatedTask | undefined> {
    const { task } = await this.#query(z.object({ task: taskSchema.nullable() }), GET_TASK, { id });
    return task ?? undefined;
  }

  async #call<T>(
    tool: ToolName,
    toolArguments: Record<string, unknown>,
    work: () => Promise<{ value: T; title: string; cited: readonly string[] }>,
  ): Promise<T> {
    const { agent, tellStep } = this.options;
    if (!agent.tools.includes(tool))
      throw new AgentFailure('TOOL_NOT_ALLOWED', `The agent ${agent.name} may not use ${tool}.`);
    if (this.#calls >= agent.maxToolCalls) throw new ToolBudgetExhausted(agent.maxToolCalls);
    this.#calls += 1;
    const { value, title, cited } = await work();
    tellStep({
      kind: tool === 'delegate_task' ? 'DELEGATION' : 'TOOL_CALL',
      title,
      tool,
      toolArguments,
      citedEventIds: [...cited],
    });
    return value;
  }

  /** Tries again while the gateway, or a service behind it, is away: both come back within seconds. */
  async #query<S extends z.ZodType>(
    schema: S,
    document: string,
    variables: Record<string, unknown>,
  ): Promise<z.output<S>> {
    const { graph, token, signal } = this.options;
    for (let attempt = 0; ; attempt++) {
      try {
        return await graph.query(schema, { document, variables, token, signal });
      } catch (error) {
        if (signal.aborted || !isConnectionError(error)) throw error;
        if (attempt + 1 >= (this.#hasGivenUp ? MAX_FURTHER_ATTEMPTS : MAX_ATTEMPTS)) {
          this.#hasGivenUp = true;
          throw error;
        }
        await sleep(200 + backoffMs(attempt, 300, 5_000), signal);
      }
    }
  }
}

function sortEvents(events: readonly StoredEvent[]): StoredEvent[] {
  return [...events].sort((a, b) => Date.parse(a.timestamp) - Date.parse(b.timestamp) || (a.id < b.id ? -1 : 1));
}
