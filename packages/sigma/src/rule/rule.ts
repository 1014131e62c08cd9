import type { DetectionNode } from '../detection/detection-node.js';

/** Sigma 2.1 rule levels, lowest first. */
export const SIGMA_LEVELS = ['informational', 'low', 'medium', 'high', 'critical'] as const;
export type SigmaLevel = (typeof SIGMA_LEVELS)[number];

export const SIGMA_STATUSES = ['stable', 'test', 'experimental', 'deprecated', 'unsupported'] as const;
export type SigmaStatus = (typeof SIGMA_STATUSES)[number];

/** What a rule applies to. Values are lower case; at least one of the three is set. */
export interface Logsource {
  readonly product?: string;
  readonly category?: string;
  readonly service?: string;
}

export interface RelatedRule {
  readonly id: string;
  readonly type: string;
}

/** One accepted rule: its metadata as written and its detection as a logic tree. Immutable. */
export interface SigmaRule {
  /** The rule's own `id`; without one, `<source name>#<number of the document, from 1>`. */
  readonly id: string;
  readonly title: string;
  readonly name: string | null;
  readonly status: SigmaStatus | null;
  readonly level: SigmaLevel | null;
  readonly description: string | null;
  /** Kept because the Detection Rule License asks for it wherever a rule or its match is shown. */
  readonly author: string | null;
  /** SPDX id, when the rule states one. */
  readonly license: string | null;
  readonly date: string | null;
  readonly modified: string | null;
  readonly references: readonly string[];
  readonly falsepositives: readonly string[];
  /** Fields the author suggests to show to the analyst, in Sigma's names. */
  readonly fields: readonly string[];
  /** As written, for example `attack.t1059.001`; see `readAttackTags`. */
  readonly tags: readonly string[];
  readonly related: readonly RelatedRule[];
  readonly logsource: Logsource;
  /** Where the rule came from: the name given to `parseRules` and the line its document starts on, from 1. */
  readonly source: { readonly name: string; readonly line: number };
  readonly detection: DetectionNode;
  /** What it costs to read and to hold; see `weigh`. */
  readonly weight: number;
}
