/** Domain events of `playbooks`; consumers decode them by their own narrower schemas. */
import { z } from 'zod';

const playbookFacts = z.object({
  /** CACAO's `id` of the document. */
  documentId: z.string(),
  name: z.string(),
  /** Version at which the document was last saved. */
  savedVersion: z.number().int().positive(),
  /** SHA-256 of that document's canonical bytes, hexadecimal. */
  sha256: z.string(),
  activeVersion: z.number().int().positive().nullable(),
});

export const playbooksEvents = {
  /** Subject: the playbook. Its document was saved for the first time, or another one was. */
  'playbook.saved': playbookFacts,
  /** Subject: the playbook. `activeVersion` is the one that runs from now on. */
  'playbook.activated': playbookFacts,
} as const;
export type PlaybooksEvents = typeof playbooksEvents;
