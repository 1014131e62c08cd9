import { Rights } from '@aurorasoc/kit/graphql';
import { LiveField } from '@aurorasoc/kit/live';
import { Arg, Ctx, ID, Query, Resolver, Root } from 'type-graphql';
import type { AgentsContext } from '../context.js';
import { AgentType, toAgentType } from './agent.type.js';
import { AgentHealthChanges } from './agent-health-changes.js';
import { AGENTS, type AgentName, findAgent } from './agent-registry.js';

@Resolver(() => AgentType)
export class AgentResolver {
  @Rights('agents:read')
  @Query(() => [AgentType], { description: 'All agents.' })
  agents(@Ctx() { services }: AgentsContext): AgentType[] {
    return (Object.keys(AGENTS) as AgentName[]).map((name) => toAgentType(name, services.agentHealth));
  }

  @Rights('agents:read')
  @Query(() => AgentType, { nullable: true, description: 'One agent by its name.' })
  agent(
    @Arg('name', () => ID, { description: 'Name of the agent.' }) name: string,
    @Ctx() { services }: AgentsContext,
  ): AgentType | null {
    const agent = findAgent(name);
    return agent ? toAgentType(agent.name, services.agentHealth) : null;
  }

  @Rights('agents:read')
  @LiveField(
    AgentType,
    'Agents whose state changes. Ephemeral: what happens while nobody listens is not told again.',
    ({ services }: AgentsContext) => new AgentHealthChanges(services.agentHealth),
  )
  agentHealthChanged(@Root() name: AgentName, @Ctx() { services }: AgentsContext): AgentType {
    return toAgentType(name, services.agentHealth);
  }
}
