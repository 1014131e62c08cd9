/**
 * Domain events of `memory`. None of them holds what is remembered: events are kept for ever, and what is forgotten must be
 * gone.
 */
import { z } from 'zod';

export const TIERS = ['WORKING', 'EPISODIC', 'SEMANTIC'] as const;
export type Tier = (typeof TIERS)[number];

export const SOURCE_KINDS = ['AUTHOR', 'INVESTIGATION', 'ALERT', 'DOCUMENT'] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];

export const TRUSTS = ['PERSON', 'SYSTEM', 'MACHINE'] as const;
export type Trust = (typeof TRUSTS)[number];

const entryFacts = z.object({
  tier: z.enum(TIERS),
  source: z.object({ kind: z.enum(SOURCE_KINDS), id: z.string() }),
  trust: z.enum(TRUSTS),
  isQuarantined: z.boolean(),
});

export const memoryEvents = {
  /** Subject: the entry, version 1. */
  'memory.remembered': entryFacts,
  /** Subject: the entry. It is not recalled any more. */
  'memory.quarantined': entryFacts.extend({ reason: z.string() }),
  /** Subject: the entry, which is gone; the last of its events. */
  'memory.forgotten': entryFacts,
} as const;
export type MemoryEvents = typeof memoryEvents;
