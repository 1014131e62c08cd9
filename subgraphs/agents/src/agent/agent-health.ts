/** Whether each agent can be reached: asked by its A2A card, and known from the breaker of its calls. */
import { AGENT_CARD_PATH } from '@a2a-js/sdk';
import { describeError } from '@aurorasoc/kit/errors';
import type { Health } from '@aurorasoc/kit/health';
import type { Logger } from '@aurorasoc/kit/log';
import { z } from 'zod';
import type { AgentDirectory } from '../a2a/agent-directory.js';
import type { AgentTokens } from '../task/agent-tokens.js';
import type { AgentDispatcher } from '../task/dispatch-agent.js';
import { AGENT_NAMES, AGENTS, type AgentName } from './agent-registry.js';

export type AgentState = 'UP' | 'DEGRADED' | 'DOWN';

export interface AgentCondition {
  readonly agent: AgentName;
  readonly state: AgentState;
  readonly since: Date;
  readonly reason: string | null;
}

export interface AgentHealthOptions {
  readonly directory: AgentDirectory;
  readonly dispatcher: AgentDispatcher;
  readonly tokens: AgentTokens;
  readonly health: Health;
  readonly log: Logger;
  /** Milliseconds between two probes. @default 5 000 */
  readonly everyMs?: number;
}

const PROBE_TIMEOUT_MS = 2_000;
const EVERY_MS = 5_000;
const cardSchema = z.object({ name: z.string(), version: z.string() });

/** An agent that is away degrades the process, and stops it never: tasks wait for the agent. */
export class AgentHealth {
  readonly #conditions = new Map<AgentName, AgentCondition>();
  readonly #listeners = new Set<(condition: AgentCondition) => void>();
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: AgentHealthOptions) {
    for (const agent of AGENT_NAMES)
      this.#conditions.set(agent, { agent, state: 'DOWN', since: new Date(), reason: 'not asked yet' });
  }

  start(): void {
    void this.probeAll();
    this.#timer = setInterval(() => void this.probeAll(), this.options.everyMs ?? EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  conditionOf(agent: AgentName): AgentCondition {
    const condition = this.#conditions.get(agent);
    if (!condition) throw new RangeError(`no agent ${agent}`);
    return condition;
  }

  /** @returns what ends it. */
  onChange(listener: (condition: AgentCondition) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async probeAll(): Promise<void> {
    await Promise.all(AGENT_NAMES.map(async (agent) => this.#set(agent, await this.#probe(agent))));
  }

  async #probe(agent: AgentName): Promise<Pick<AgentCondition, 'state' | 'reason'>> {
    const { directory, tokens, dispatcher } = this.options;
    try {
      const authorization = `Bearer ${await tokens.forProbe(agent)}`;
      const response = await fetch(`${directory(agent)}/${AGENT_CARD_PATH}`, {
        headers: { authorization },
        signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
      });
      if (!response.ok) {
        // Unread, it would hold its connection.
        await response.body?.cancel();
        return { state: 'DOWN', reason: `its card was answered with ${response.status}` };
      }
      const card = cardSchema.parse(await response.json());
      if (card.name !== agent) return { state: 'DOWN', reason: 'another agent answers at its address' };
      if (!dispatcher.isReachable(agent))
        return { state: 'DEGRADED', reason: 'it answers, but calls of it failed too often; its breaker is open' };
      return { state: 'UP', reason: card.version === AGENTS[agent].version ? null : `it runs version ${card.version}` };
    } catch (error) {
      return { state: 'DOWN', reason: describeError(error) };
    }
  }

  #set(agent: AgentName, next: Pick<AgentCondition, 'state' | 'reason'>): void {
    const { health, log } = this.options;
    const before = this.conditionOf(agent);
    health.set(`agent ${agent}`, next.state === 'UP' ? 'up' : 'degraded', next.reason ?? undefined);
    if (before.state === next.state && before.reason === next.reason) return;
    const condition = { agent, ...next, since: before.state === next.state ? before.since : new Date() };
    this.#conditions.set(agent, condition);
    if (next.state === 'UP') log.info({ agent }, 'Agent is up');
    else log.warn({ agent, state: next.state, reason: next.reason }, 'Agent is not up');
    for (const listener of this.#listeners) listener(condition);
  }
}
