/** Domain events of `agents`; consumers of other domains decode them by their own narrower schemas. */
import { z } from 'zod';
import { stepKindSchema, verdictSchema } from './a2a/contract.js';

export const INVESTIGATION_STATUSES = [
  'PENDING',
  'RUNNING',
  'COMPLETED',
  'FAILED',
  'CANCELLED',
  'BUDGET_EXHAUSTED',
] as const;
export type InvestigationStatus = (typeof INVESTIGATION_STATUSES)[number];
export const TASK_STATUSES = ['PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED'] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** A step as its event tells it: live fields show it from here, without asking the table. */
export const stepFactsSchema = z.object({
  id: z.uuid(),
  ordinal: z.number().int().positive(),
  agent: z.string(),
  kind: stepKindSchema,
  title: z.string(),
  detail: z.string().nullable(),
  citedEventIds: z.array(z.string()),
  tool: z.string().nullable(),
  toolArguments: z.record(z.string(), z.unknown()).nullable(),
  at: z.iso.datetime(),
});
export type StepFacts = z.output<typeof stepFactsSchema>;

/** Most entities that an event names of a verdict, and most characters of each: the event must stay small. */
export const MAX_TOLD_ENTITIES = 20;
export const MAX_TOLD_VALUE = 200;

/** A verdict as the event of the investigation's end tells it to other domains; all of it is in the graph. */
const verdictDigestSchema = verdictSchema
  .pick({ disposition: true, severity: true, confidence: true, summary: true, techniques: true })
  .extend({ entities: verdictSchema.shape.entities.max(MAX_TOLD_ENTITIES) });

const investigationFacts = z.object({ alertId: z.uuid(), status: z.enum(INVESTIGATION_STATUSES) });

export const agentsEvents = {
  /** Subject: the investigation, version 1. */
  'investigation.requested': investigationFacts,
  /** Subject: the investigation. It began to run, or an agent told a step. */
  'investigation.progressed': investigationFacts.extend({ step: stepFactsSchema.nullable() }),
  /** Subject: the investigation. It ended, in whichever way `status` says. */
  'investigation.completed': investigationFacts.extend({
    disposition: z.string().nullable(),
    failureCode: z.string().nullable(),
    verdict: verdictDigestSchema.nullable(),
  }),
  /** Subject: the task, version 1. Routed to the stream that task workers read. */
  'task.requested': z.object({ investigationId: z.uuid(), agent: z.string() }),
  /** Subject: the task, version 2. Routed to the stream that waiting orchestrators read; the result itself is in the task's row. */
  'task.completed': z.object({
    investigationId: z.uuid(),
    agent: z.string(),
    status: z.enum(TASK_STATUSES),
    fence: z.number().int(),
  }),
} as const;
export type AgentsEvents = typeof agentsEvents;

export const TASK_STREAM = 'aurora:agents:tasks';
export const RESULT_STREAM = 'aurora:agents:results';
/** Consumer groups of other domains on this one's event stream, with the types that they handle. */
export const EVENT_READERS = { 'memory-episodes': ['investigation.completed'] } as const;
