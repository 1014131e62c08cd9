import { Rights } from '@aurorasoc/kit/graphql';
import { Field, ID, ObjectType, registerEnumType } from 'type-graphql';
import type { AgentHealth } from './agent-health.js';
import { AGENTS, type AgentName } from './agent-registry.js';

export enum AgentStateEnum {
  UP = 'UP',
  DEGRADED = 'DEGRADED',
  DOWN = 'DOWN',
}
registerEnumType(AgentStateEnum, {
  name: 'AgentState',
  description: 'Whether an agent can be put to work.',
  valuesConfig: {
    UP: { description: 'It answers.' },
    DEGRADED: { description: 'It answers, but calls of it failed too often; the next ones are held back.' },
    DOWN: { description: 'It does not answer; its tasks wait.' },
  },
});

@Rights('agents:read')
@ObjectType('AgentSkill', { description: 'Something that an agent can do.' })
export class AgentSkillType {
  @Field(() => ID, { description: 'Id of the skill, unique within the agent.' })
  id!: string;

  @Field(() => String, { description: 'Short name.' })
  name!: string;

  @Field(() => String, { description: 'What it does.' })
  description!: string;
}

@Rights('agents:read')
@ObjectType('Agent', { description: 'A program that takes part in investigations, reached over A2A.' })
export class AgentType {
  @Field(() => ID, { description: 'Its name in tasks and steps.' })
  name!: string;

  @Field(() => String, { description: 'Its name for people.' })
  displayName!: string;

  @Field(() => String, { description: 'What it is for.' })
  description!: string;

  @Field(() => String, { description: 'Version of its definition.' })
  version!: string;

  @Field(() => [AgentSkillType], { description: 'What it can do.' })
  skills!: AgentSkillType[];

  @Field(() => [String], { description: 'Tools that it may use.' })
  tools!: string[];

  @Field(() => AgentStateEnum, { description: 'Whether it can be put to work, as this process sees it.' })
  state!: keyof typeof AgentStateEnum;

  @Field(() => Date, { description: 'Since when it is in this state.' })
  since!: Date;

  @Field(() => String, { nullable: true, description: 'Why it is in this state.' })
  reason!: string | null;
}

export function toAgentType(name: AgentName, health: AgentHealth): AgentType {
  const { displayName, description, version, skills, tools } = AGENTS[name];
  const { state, since, reason } = health.conditionOf(name);
  return { name, displayName, description, version, skills: [...skills], tools: [...tools], state, since, reason };
}
