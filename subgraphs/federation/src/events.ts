/** Domain events of `federation`; consumers decode them by their own narrower schemas. */
import { z } from 'zod';

export const federationEvents = {
  /** Subject: the replay. Somebody had the group handle the letter's entry once more. */
  'dead_letter.replayed': z.object({
    stream: z.string(),
    group: z.string(),
    /** In the dead-letter stream, where it is no more. */
    letterId: z.string(),
    messageId: z.string(),
    /** Of the entry's fields, as it was when the entry was buried: what was replayed, without its content. */
    sha256: z.string(),
  }),
  /** Subject: the erasure. Asks every domain; routed to the stream that they read for it. Repeated when somebody asks again. */
  'tenant.erasure_requested': z.object({
    tenantId: z.guid(),
    reason: z.string(),
    /** The tenant of who asked. */
    requestedFrom: z.guid(),
  }),
  /** Subject: the erasure. Every domain has answered. */
  'tenant.erasure_completed': z.object({ tenantId: z.guid(), domains: z.array(z.string()) }),
} as const;
export type FederationEvents = typeof federationEvents;
