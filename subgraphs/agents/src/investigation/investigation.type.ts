import { connectionType, Rights, SIGNED_IN } from '@aurorasoc/kit/graphql';
import { LiveChange, liveItemUnion } from '@aurorasoc/kit/live';
import { GraphQLJSONObject } from 'graphql-scalars';
import { createUnionType, Directive, Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { StepKind } from '../a2a/contract.js';
import type { InvestigationStatus } from '../events.js';
import type { Mode } from './investigation.entity.js';
import { VerdictType } from './verdict.type.js';

export enum InvestigationStatusEnum {
  PENDING = 'PENDING',
  RUNNING = 'RUNNING',
  COMPLETED = 'COMPLETED',
  FAILED = 'FAILED',
  CANCELLED = 'CANCELLED',
  BUDGET_EXHAUSTED = 'BUDGET_EXHAUSTED',
}
registerEnumType(InvestigationStatusEnum, {
  name: 'InvestigationStatus',
  description: 'Where an investigation stands.',
  valuesConfig: {
    PENDING: { description: 'Waits for the orchestrator.' },
    RUNNING: { description: 'Agents are at work.' },
    COMPLETED: { description: 'It has a verdict.' },
    FAILED: { description: 'It ended without a verdict; `failure` says why.' },
    CANCELLED: { description: 'Somebody ended it.' },
    BUDGET_EXHAUSTED: {
      description: 'Time or tool calls ran out; the verdict, where there is one, says what was found by then.',
    },
  },
});

export enum ModeEnum {
  DUMMY = 'DUMMY',
  DRY_RUN = 'DRY_RUN',
  REAL = 'REAL',
}
registerEnumType(ModeEnum, { name: 'Mode', description: 'How far actions reach: showcase, recorded only, or real.' });

export enum StepKindEnum {
  PLAN = 'PLAN',
  TOOL_CALL = 'TOOL_CALL',
  DELEGATION = 'DELEGATION',
  FINDING = 'FINDING',
  VERDICT = 'VERDICT',
}
registerEnumType(StepKindEnum, { name: 'InvestigationStepKind', description: 'What an agent did in a step.' });

@Rights('agents:read')
@ObjectType('InvestigationFailure', {
  description: 'Why an investigation ended without the verdict that was asked for.',
})
export class InvestigationFailureType {
  @Field(() => String, { description: 'For programs, such as ALERT_NOT_VISIBLE or AGENT_OUTPUT_INVALID.' })
  code!: string;

  @Field(() => String, { description: 'For people.' })
  message!: string;
}

@Rights('agents:read')
@ObjectType('InvestigationStep', { description: 'One thing that an agent did or found.' })
export class InvestigationStepType {
  @Field(() => ID, { description: 'UUIDv7.' })
  id!: string;

  @Field(() => Int, { description: 'Place within the investigation, from 1, without a hole.' })
  ordinal!: number;

  @Field(() => String, { description: 'Name of the agent.' })
  agent!: string;

  @Field(() => StepKindEnum, { description: 'What it did.' })
  kind!: StepKind;

  @Field(() => String, { description: 'In a few words.' })
  title!: string;

  @Field(() => String, { nullable: true, description: 'In more words.' })
  detail!: string | null;

  @Field(() => [ID], { description: 'Events that the step rests on.' })
  citedEventIds!: string[];

  @Field(() => String, { nullable: true, description: 'The tool that was called.' })
  tool!: string | null;

  @Field(() => GraphQLJSONObject, {
    nullable: true,
    description: 'What the tool was called with. Values may be hostile text.',
  })
  toolArguments!: Record<string, unknown> | null;

  @Field(() => Date, { description: 'When it was recorded.' })
  at!: Date;
}

@Directive('@key(fields: "id")')
@Rights('agents:read')
@ObjectType('Investigation', { description: 'One run of agents over an alert, from the request to the verdict.' })
export class InvestigationType {
  @Field(() => ID, { description: 'UUIDv7.' })
  id!: string;

  @Field(() => Int, { description: 'Grows by one with each of its events.' })
  version!: number;

  @Field(() => ID, { description: 'The alert that is investigated.' })
  alertId!: string;

  @Field(() => InvestigationStatusEnum, { description: 'Where it stands.' })
  status!: InvestigationStatus;

  @Field(() => String, { nullable: true, description: 'What the requester wants to know in particular.' })
  question!: string | null;

  @Field(() => String, { description: 'Who reasons: `rules` is the built-in, deterministic reasoner.' })
  reasoner!: string;

  @Field(() => ModeEnum, { description: 'The mode of the installation at the request.' })
  mode!: Mode;

  @Field(() => Date, { description: 'When it was requested.' })
  requestedAt!: Date;

  @Field(() => Date, { nullable: true, description: 'When an agent began.' })
  startedAt!: Date | null;

  @Field(() => Date, { nullable: true, description: 'When it ended, in whichever way.' })
  finishedAt!: Date | null;

  @Field(() => VerdictType, { nullable: true, description: 'The verdict, once there is one.' })
  verdict!: VerdictType | null;

  @Field(() => InvestigationFailureType, { nullable: true, description: 'Why it ended without a verdict.' })
  failure!: InvestigationFailureType | null;

  @Field(() => String, {
    nullable: true,
    description: 'W3C trace context of its own trace, which links to the trace of the alert.',
  })
  traceparent!: string | null;
}

export const InvestigationConnection = connectionType(InvestigationType, 'Investigation', 'agents:read');

@InputType({ description: 'What to investigate.' })
export class InvestigateInput {
  @Field(() => ID, {
    nullable: true,
    description: 'The alert. Required: the built-in reasoner has nothing else to start from.',
  })
  alertId?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'What you want to know in particular; at most 2,000 characters.',
  })
  question?: string | null;
}

@Rights('agents:read')
@ObjectType({
  description: 'Too many investigations are unfinished; nothing was started. Try again when some have ended.',
})
export class InvestigationLimitReached {
  @Field(() => Int, { description: 'How many are unfinished.' })
  unfinished!: number;
}

// The alerts domain answers with it, too.
@Directive('@shareable')
@Rights(SIGNED_IN)
@ObjectType({ description: 'There is no alert with this id that you may see.' })
export class AlertNotFound {
  @Field(() => ID, { description: 'The id that was asked for.' })
  id!: string;
}

@Rights('agents:read')
@ObjectType({ description: 'There is no investigation with this id.' })
export class InvestigationNotFound {
  @Field(() => ID, { description: 'The id that was asked for.' })
  id!: string;
}

@Rights('agents:read')
@ObjectType({ description: 'The investigation had ended before; nothing was changed.' })
export class InvestigationFinished {
  @Field(() => ID, { description: 'Id of the investigation.' })
  id!: string;

  @Field(() => InvestigationStatusEnum, { description: 'How it ended.' })
  status!: InvestigationStatus;
}

export const InvestigateResult = createUnionType({
  name: 'InvestigateResult',
  description: 'Outcome of `investigate`.',
  types: () => [InvestigationType, InvestigationLimitReached, AlertNotFound] as const,
  resolveType: (value) =>
    value instanceof InvestigationLimitReached
      ? InvestigationLimitReached
      : value instanceof AlertNotFound
        ? AlertNotFound
        : InvestigationType,
});

export const CancelInvestigationResult = createUnionType({
  name: 'CancelInvestigationResult',
  description: 'Outcome of `cancelInvestigation`.',
  types: () => [InvestigationType, InvestigationFinished, InvestigationNotFound] as const,
  resolveType: (value) =>
    value instanceof InvestigationFinished
      ? InvestigationFinished
      : value instanceof InvestigationNotFound
        ? InvestigationNotFound
        : InvestigationType,
});

export enum InvestigationProgressKind {
  REQUESTED = 'REQUESTED',
  STARTED = 'STARTED',
  STEP = 'STEP',
  ENDED = 'ENDED',
}
registerEnumType(InvestigationProgressKind, {
  name: 'InvestigationProgressKind',
  description: 'What happened to an investigation.',
  valuesConfig: {
    REQUESTED: { description: 'It was requested.' },
    STARTED: { description: 'The orchestrator began.' },
    STEP: { description: 'An agent told a step.' },
    ENDED: { description: 'It ended, in whichever way its status says.' },
  },
});

@Rights('agents:read')
@ObjectType({ description: 'One event of one investigation.' })
export class InvestigationProgress extends LiveChange {
  @Field(() => InvestigationProgressKind, { description: 'What happened.' })
  kind!: keyof typeof InvestigationProgressKind;

  @Field(() => ID, { description: 'Id of the investigation.' })
  investigationId!: string;

  @Field(() => InvestigationStepType, { nullable: true, description: 'The step, where `kind` is STEP.' })
  step!: InvestigationStepType | null;
}

export const InvestigationProgressItem = liveItemUnion(
  'InvestigationProgressItem',
  'An item of `investigationProgressed`.',
  InvestigationProgress,
);
