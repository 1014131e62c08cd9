/** What lists show of a tenant's rule, noted when it is saved: reading two hundred rules again takes seconds. */
import { findUnstorable } from '@aurorasoc/kit/graphql';
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

/**
 * What of the rule cannot be stored, in the words of its YAML, which by an escape makes NUL out of a text that has none. All that
 * is stored apart from the text is asked: the row's title, these facts as JSON, and in each alert the title, the description, and
 * what is read from the tags.
 */
export function findUnstorableFact(rule: SigmaRule): string | undefined {
  const { title, description, author, tags, falsepositives } = rule;
  const stored = { title, description, author, tags, falsepositives };
  return Object.entries(stored).find(([, value]) =>
    [value ?? ''].flat().some((text) => findUnstorable(text) >= 0),
  )?.[0];
}

/** False for what an earlier reader noted, and for nothing. */
export function isCurrent(facts: RuleFacts | null): facts is RuleFacts {
  return facts?.reader === READER_VERSION;
}
