/** The agents that exist, declared: what they are for, which tools they may use, and how far they may go. */
import type { Scope } from '@aurorasoc/kit/auth';

export type AgentName = 'orchestrator' | 'endpoint';
/** Orchestrators wait for specialists; were both to share one lane, waiting ones could take every place in it. */
export type Lane = 'orchestrator' | 'specialist';
export const LANES: readonly Lane[] = ['orchestrator', 'specialist'];

export type ToolName = 'get_alert' | 'search_events' | 'delegate_task';

export interface AgentSkill {
  readonly id: string;
  readonly name: string;
  readonly description: string;
}

export interface AgentDefinition {
  readonly name: AgentName;
  readonly displayName: string;
  readonly description: string;
  readonly version: string;
  readonly skills: readonly AgentSkill[];
  readonly lane: Lane;
  readonly tools: readonly ToolName[];
  /** Scopes beyond those that the requester has. */
  readonly extraScopes: readonly Scope[];
  /** Most calls of tools in one task. */
  readonly maxToolCalls: number;
  /** Longest run of one task, milliseconds. */
  readonly budgetMs: number;
  /** Offset from `A2A_BASE_PORT`. */
  readonly portOffset: number;
}

/** What an investigation's agents may at most do for their requester. */
export const AGENT_SCOPES: readonly Scope[] = ['events:read', 'alerts:read', 'agents:read', 'rules:read'];

/** One investigation may take this long, milliseconds; its tokens live for 5 minutes. */
export const INVESTIGATION_BUDGET_MS = 240_000;

export const AGENTS: Readonly<Record<AgentName, AgentDefinition>> = {
  orchestrator: {
    name: 'orchestrator',
    displayName: 'Orchestrator',
    description: 'Plans an investigation, puts specialists to work, weighs what they found, and gives the verdict.',
    version: '1.0.0',
    skills: [
      {
        id: 'investigate-alert',
        name: 'Investigate an alert',
        description: 'From an alert to a verdict whose claims cite events.',
      },
    ],
    lane: 'orchestrator',
    tools: ['get_alert', 'delegate_task'],
    extraScopes: ['agents:delegate'],
    maxToolCalls: 10,
    budgetMs: INVESTIGATION_BUDGET_MS,
    portOffset: 0,
  },
  endpoint: {
    name: 'endpoint',
    displayName: 'Endpoint specialist',
    description:
      'Examines Windows endpoint events: process tree, activity of the processes, neighbouring activity, prevalence.',
    version: '1.0.0',
    skills: [
      {
        id: 'assess-endpoint-alert',
        name: 'Assess an endpoint alert',
        description: 'Indicators for and against an attack, each with the events that show it.',
      },
    ],
    lane: 'specialist',
    tools: ['get_alert', 'search_events'],
    extraScopes: [],
    maxToolCalls: 40,
    // The orchestrator must still have time for its verdict when a specialist used up all of its own.
    budgetMs: 150_000,
    portOffset: 1,
  },
};

export const AGENT_NAMES = Object.keys(AGENTS) as readonly AgentName[];

export function findAgent(name: string): AgentDefinition | undefined {
  return Object.hasOwn(AGENTS, name) ? AGENTS[name as AgentName] : undefined;
}
