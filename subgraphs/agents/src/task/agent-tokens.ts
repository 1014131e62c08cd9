/** Tokens of a task: one that the fleet accepts, one with which the agent's tools ask the gateway for the requester. */
import type { Principal, TokenSigner } from '@aurorasoc/kit/auth';
import { AGENT_SCOPES, AGENTS, type AgentName } from '../agent/agent-registry.js';
import type { Claim } from './claim-task.js';

export interface TaskTokens {
  readonly fleet: string;
  readonly gateway: string;
}

/** Seconds that a token lives: longer than any agent's budget, so that none expires in mid-run. */
export const TOKEN_SECONDS = 300;
/** Tokens that are asked for within so many seconds end at one moment: the signer hands out one, in place of signing each. */
const STEP_SECONDS = 10;
const REQUESTER_TOKEN_SECONDS = 30;
export const TOKEN_ISSUER = 'aurora-agents';

/** The probe asks on nobody's behalf: the nil UUID (RFC 9562, section 5.9) is no tenant's. */
const NO_TENANT = '00000000-0000-0000-0000-000000000000';

/** What of a claim says in whose place an agent acts, and in which investigation. */
export type AgentClaim = Pick<Claim, 'tenant' | 'requesterId' | 'requesterScopes' | 'agent' | 'investigationId'>;

export class AgentTokens {
  constructor(private readonly signer: TokenSigner) {}

  /** Signed per attempt. Never to be logged or stored. */
  async forTask(claim: AgentClaim): Promise<TaskTokens> {
    const principal = agentPrincipal(claim);
    const now = Math.floor(Date.now() / 1000);
    const end = Math.floor(now / STEP_SECONDS) * STEP_SECONDS + TOKEN_SECONDS;
    const [fleet, gateway] = await Promise.all([
      this.signer.sign({ ...principal, scopes: [] }, 'fleet', end),
      this.signer.sign(principal, 'gateway', end),
    ]);
    return { fleet, gateway };
  }

  /**
   * With which the graph is asked, in the requester's place, whether there is the alert that is to be investigated. It reads
   * alerts and nothing else, and belongs to no investigation.
   */
  forRequester({ tenant, subject, scopes }: Principal): Promise<string> {
    const principal: Principal = {
      tenant,
      subject,
      kind: 'agent',
      scopes: scopes.filter((scope) => scope === 'alerts:read'),
      actor: 'agent:intake',
    };
    return this.signer.sign(principal, 'gateway', Math.floor(Date.now() / 1000) + REQUESTER_TOKEN_SECONDS);
  }

  forProbe(agent: AgentName): Promise<string> {
    const principal: Principal = {
      tenant: NO_TENANT,
      subject: 'agents/probe',
      kind: 'service',
      scopes: [],
      actor: `agent:${agent}`,
    };
    // The end falls on whole minutes, so that the signer hands out one token again and again.
    return this.signer.sign(principal, 'fleet', (Math.floor(Date.now() / 60_000) + 5) * 60);
  }
}

/** The agent in the requester's place, in one investigation: what both may do, and what the agent needs to do its part. */
export function agentPrincipal({
  tenant,
  requesterId,
  requesterScopes,
  agent,
  investigationId,
}: AgentClaim): Principal {
  const scopes = [...AGENT_SCOPES.filter((scope) => requesterScopes.includes(scope)), ...AGENTS[agent].extraScopes];
  return {
    tenant,
    subject: requesterId,
    kind: 'agent',
    scopes,
    actor: `agent:${agent}`,
    investigation: investigationId,
  };
}
