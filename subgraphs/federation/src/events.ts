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
} as const;
export type FederationEvents = typeof federationEvents;
