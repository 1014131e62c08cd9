import { Rights } from '@aurorasoc/kit/graphql';
import { GraphQLJSONObject } from 'graphql-scalars';
import { createUnionType, Field, ID, InputType, ObjectType, registerEnumType } from 'type-graphql';
import type { TaskStatus } from '../events.js';
import {
  InvestigationFailureType,
  InvestigationFinished,
  InvestigationNotFound,
} from '../investigation/investigation.type.js';

export enum TaskStatusEnum {
  PENDING = 'PENDING',
  RUNNING = 'RUNNING',
  COMPLETED = 'COMPLETED',
  FAILED = 'FAILED',
  CANCELLED = 'CANCELLED',
}
registerEnumType(TaskStatusEnum, { name: 'AgentTaskStatus', description: 'Where a task stands.' });

@Rights('agents:read')
@ObjectType('AgentTask', { description: 'One piece of work for one agent.' })
export class AgentTaskType {
  @Field(() => ID, { description: 'UUIDv7; the correlation id of its result.' })
  id!: string;

  @Field(() => ID, { description: 'The investigation that it is part of.' })
  investigationId!: string;

  @Field(() => String, { description: 'Names the work within its investigation.' })
  key!: string;

  @Field(() => String, { description: 'Name of the agent.' })
  agent!: string;

  @Field(() => TaskStatusEnum, { description: 'Where it stands.' })
  status!: TaskStatus;

  @Field(() => GraphQLJSONObject, { nullable: true, description: 'What the agent came to, once it is COMPLETED.' })
  result!: Record<string, unknown> | null;

  @Field(() => InvestigationFailureType, { nullable: true, description: 'Why it FAILED.' })
  failure!: InvestigationFailureType | null;

  @Field(() => Date, { description: 'When it was requested.' })
  requestedAt!: Date;

  @Field(() => Date, { nullable: true, description: 'When a worker first took it.' })
  startedAt!: Date | null;

  @Field(() => Date, { nullable: true, description: 'When it ended.' })
  finishedAt!: Date | null;
}

@InputType({ description: 'Work for a specialist.' })
export class DelegateTaskInput {
  @Field(() => ID, { description: 'The running investigation.' })
  investigationId!: string;

  @Field(() => String, {
    description: 'Names the work within the investigation: asked for again, the first task is returned.',
  })
  key!: string;

  @Field(() => String, { description: 'Name of the specialist.' })
  agent!: string;

  @Field(() => String, {
    nullable: true,
    description: "What to look at in particular, beside the investigation's alert.",
  })
  instruction?: string | null;
}

export const DelegateTaskResult = createUnionType({
  name: 'DelegateTaskResult',
  description: 'Outcome of `delegateTask`.',
  types: () => [AgentTaskType, InvestigationFinished, InvestigationNotFound] as const,
  resolveType: (value) =>
    value instanceof InvestigationFinished
      ? InvestigationFinished
      : value instanceof InvestigationNotFound
        ? InvestigationNotFound
        : AgentTaskType,
});
