/**
 * What task workers and agents say to each other inside A2A messages (A2A Protocol 1.0: data parts, status updates,
 * artifacts). Both sides parse by these schemas; what does not fit is garbage and treated as such.
 */
import { z } from 'zod';

export const SEVERITIES = ['INFORMATIONAL', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL'] as const;
export type Severity = (typeof SEVERITIES)[number];

export const STEP_KINDS = ['PLAN', 'TOOL_CALL', 'DELEGATION', 'FINDING', 'VERDICT'] as const;
export type StepKind = (typeof STEP_KINDS)[number];
export const stepKindSchema = z.enum(STEP_KINDS);

/**
 * The data part of the message that starts a task. The message's id is the same whenever the task is dispatched again, as after
 * its worker was lost: an agent with effects outside makes them once per message id (A2A 1.0, "Idempotency"), and refuses an
 * order whose fence is lower than one that it has seen of the task.
 */
export const taskOrderSchema = z.object({
  taskId: z.uuid(),
  investigationId: z.uuid(),
  /** Of the claim under which the task is dispatched. Workers from before it was told do not name it. */
  fence: z.number().int().positive().optional(),
  instruction: z.record(z.string(), z.unknown()),
});
export type TaskOrder = z.output<typeof taskOrderSchema>;

/** What an agent is asked: the instruction of a task. */
export const instructionSchema = z.object({ alertId: z.uuid(), question: z.string().nullable() });
export type Instruction = z.output<typeof instructionSchema>;

/** The data part of a `TASK_STATE_WORKING` status message. `ordinal` counts the task's steps from 1. */
export const stepReportSchema = z.object({
  ordinal: z.number().int().positive().max(1_000),
  kind: stepKindSchema,
  title: z.string().min(1).max(300),
  detail: z.string().max(4_000).nullable(),
  citedEventIds: z.array(z.uuid()).max(500),
  tool: z.string().max(100).nullable(),
  toolArguments: z.record(z.string(), z.unknown()).nullable(),
});
export type StepReport = z.output<typeof stepReportSchema>;

const MAX_SHORT_TEXT = 1_000;
const shortText = z.string().min(1).max(MAX_SHORT_TEXT);

/** For texts with parts that come from elsewhere, however long those are: what is too long would be garbage to the other side. */
export function toShortText(text: string): string {
  return text.length <= MAX_SHORT_TEXT ? text : `${text.slice(0, MAX_SHORT_TEXT - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** The data part of a `TASK_STATE_FAILED` status message. */
export const failureReportSchema = z.object({
  code: z.string().regex(/^[A-Z][A-Z_]{2,60}$/),
  message: z.string().max(MAX_SHORT_TEXT),
});
export type FailureReport = z.output<typeof failureReportSchema>;

/** Name of the artifact that carries a task's result. */
export const RESULT_ARTIFACT = 'result';

const uuid = z.uuid();
/** A value in an event that a claim rests on. `pointer`: JSON Pointer (RFC 6901) into the event's document. */
export const citationSchema = z.object({ eventId: uuid, pointer: z.string().max(500), value: z.json() });
export type Citation = z.output<typeof citationSchema>;

export const claimSchema = z.object({ text: shortText, citations: z.array(citationSchema).max(50) });
export type Claim = z.output<typeof claimSchema>;

export const timelineEntrySchema = z.object({ at: z.iso.datetime(), eventId: uuid, text: shortText });
export type TimelineEntry = z.output<typeof timelineEntrySchema>;

export const involvedEntitySchema = z.object({
  type: z.enum(['HOST', 'USER', 'IP', 'FILE', 'PROCESS']),
  value: z.string().min(1).max(2_000),
});
export type InvolvedEntity = z.output<typeof involvedEntitySchema>;

/** ATT&CK technique ids, with or without sub-technique. */
const techniqueSchema = z.string().regex(/^T\d{4}(\.\d{3})?$/);

export const MOST_TECHNIQUES = 100;

/** What a specialist found out; the orchestrator weighs it. `indicator` is an id of the scoring table. */
export const assessmentSchema = z.object({
  findings: z.array(claimSchema.extend({ indicator: z.string().max(60) })).max(100),
  techniques: z.array(techniqueSchema).max(MOST_TECHNIQUES),
  entities: z.array(involvedEntitySchema).max(200),
  timeline: z.array(timelineEntrySchema).max(200),
  couldNotCheck: z.array(shortText).max(50),
  isBudgetExhausted: z.boolean(),
});
export type Assessment = z.output<typeof assessmentSchema>;

export const DISPOSITIONS = ['TRUE_POSITIVE', 'BENIGN_POSITIVE', 'FALSE_POSITIVE', 'UNDETERMINED'] as const;
export type Disposition = (typeof DISPOSITIONS)[number];

/** The end of an investigation. */
export const verdictSchema = z.object({
  disposition: z.enum(DISPOSITIONS),
  severity: z.enum(SEVERITIES),
  confidence: z.number().min(0).max(1),
  summary: z.string().min(1).max(4_000),
  claims: z.array(claimSchema).max(100),
  techniques: z.array(techniqueSchema).max(MOST_TECHNIQUES),
  entities: z.array(involvedEntitySchema).max(200),
  timeline: z.array(timelineEntrySchema).max(200),
  nextSteps: z.array(shortText).max(50),
  couldNotCheck: z.array(shortText).max(50),
  isBudgetExhausted: z.boolean(),
});
export type Verdict = z.output<typeof verdictSchema>;

/** What each agent's result looks like. */
export const RESULT_SCHEMAS = { orchestrator: verdictSchema, endpoint: assessmentSchema } as const;

/**
 * The second token of a call: the one with which the agent's tools ask the gateway. `Authorization` carries the fleet's. Both
 * travel as headers and not as metadata, because an A2A server keeps messages.
 */
export const GATEWAY_TOKEN_HEADER = 'aurora-gateway-token';
