/** Domain events of `alerts`; consumers decode them by their own narrower schemas. */
import { discardedSchema } from '@aurorasoc/kit/erasure';
import { z } from 'zod';

export const severitySchema = z.enum(['INFORMATIONAL', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL']);
export const alertStatusSchema = z.enum(['NEW', 'TRIAGED', 'IN_PROGRESS', 'RESOLVED', 'CLOSED']);

const alertFacts = z.object({
  ruleId: z.uuid(),
  title: z.string(),
  severity: severitySchema,
  status: alertStatusSchema,
  assignee: z.string().nullable(),
  count: z.number().int().positive(),
  techniques: z.array(z.string()),
  firstSeenAt: z.iso.datetime(),
  lastSeenAt: z.iso.datetime(),
});

export const alertsEvents = {
  /** Subject: the alert. */
  'alert.opened': alertFacts,
  /** Subject: the alert. Further events matched, or a person changed it; `changed` names the fields. */
  'alert.updated': alertFacts.extend({ changed: z.array(z.string()) }),
  /** Subject: the batch. All of its events are durable; routed to the stream that ingest reads. Repeated when the batch is. */
  'batch.stored': z.object({ received: z.number().int(), stored: z.number().int(), raw: z.number().int() }),
  /** Subject: the discarding. The batch's tenant was erased, so it is kept nowhere and need not be sent again; routed likewise. */
  'batch.discarded': discardedSchema,
  /** Subject: the rule. */
  'detection_rule.saved': z.object({ title: z.string(), level: z.string(), isEnabled: z.boolean() }),
} as const;
export type AlertsEvents = typeof alertsEvents;

/** Stream on which storage tells ingest what is durable. */
export const ACKNOWLEDGEMENTS = 'aurora:alerts:acknowledgements';
/** Consumer groups of other domains on this one's event stream, with the types that they handle. */
export const EVENT_READERS = { 'agents-investigation-policy': ['alert.opened'] } as const;
