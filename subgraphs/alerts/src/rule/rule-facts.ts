/** What lists show of a tenant's rule, noted when it is saved: reading two hundred rules again takes seconds. */
import { READER_VERSION, type SigmaRule } from '@aurorasoc/sigma';

export interface RuleFacts {
  /** Which reader accepted the rule; a later one may refuse it. */
  readonly reader: number;
  readonly description: string | null;
  readonly author: string | null;
  readonly tags: readonly string[];
  readonly falsePositives: readonly string[];
}

export function factsOf({ description, author, tags, falsepositives }: SigmaRule): RuleFacts {
  return { reader: READER_VERSION, description, author, tags, falsePositives: falsepositives };
}

/** False for what an earlier reader noted, and for nothing. */
export function isCurrent(facts: RuleFacts | null): facts is RuleFacts {
  return facts?.reader === READER_VERSION;
}
