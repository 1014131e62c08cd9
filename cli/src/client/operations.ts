/** Every document that the commands send; a spec holds them to the composed schema. */

/** Answers who asks, and with it whether gateway and token are right. */
export const PING = `query Ping { __typename }`;

export interface AlertChange {
  readonly __typename: 'AlertChange';
  readonly cursor: string;
  readonly kind: 'OPENED' | 'UPDATED';
  readonly alertId: string;
  readonly version: number;
  readonly occurredAt: string;
  readonly changed: readonly string[];
  readonly alert: AlertFacts | null;
}
export interface AlertFacts {
  readonly title: string;
  readonly severity: string;
  readonly status: string;
  readonly count: number;
  readonly entities: readonly { readonly type: string; readonly value: string }[];
}
export interface CaughtUp {
  readonly __typename: 'CaughtUp';
  readonly cursor: string;
}
export interface ResyncRequired {
  readonly __typename: 'ResyncRequired';
  readonly since: string;
  readonly reason: string;
}

export const FOLLOW_ALERTS = `
  subscription FollowAlerts($after: Cursor) {
    alertChanged(after: $after) {
      __typename
      ... on AlertChange {
        cursor kind alertId version occurredAt changed
        alert { title severity status count entities { type value } }
      }
      ... on CaughtUp { cursor }
      ... on ResyncRequired { since reason }
    }
  }`;

export interface InvestigationOutcome {
  readonly status: string;
  readonly verdict: {
    readonly disposition: string;
    readonly severity: string;
    readonly confidence: number;
    readonly summary: string;
  } | null;
  readonly failure: { readonly code: string; readonly message: string } | null;
}
const OUTCOME = 'status verdict { disposition severity confidence summary } failure { code message }';

export interface QueuedAlert extends AlertFacts {
  readonly __typename: 'Alert';
  readonly id: string;
  readonly version: number;
  readonly openedAt: string;
  /** Newest first; null when the graph cannot tell. */
  readonly investigations:
    | readonly (InvestigationOutcome & { readonly id: string; readonly finishedAt: string | null })[]
    | null;
}
export interface AlertQueue {
  readonly alerts: { readonly nodes: readonly QueuedAlert[] } | null;
}
/** Open alerts, newest first. */
export const ALERT_QUEUE = `
  query AlertQueue($first: Int!) {
    alerts(first: $first, filter: { status: [NEW, TRIAGED, IN_PROGRESS] }) {
      nodes {
        __typename id version openedAt title severity status count entities { type value }
        investigations { id finishedAt ${OUTCOME} }
      }
    }
  }`;

export interface InvestigationProgress {
  readonly __typename: 'InvestigationProgress';
  readonly cursor: string;
  readonly kind: 'REQUESTED' | 'STARTED' | 'STEP' | 'ENDED';
  readonly investigationId: string;
  readonly occurredAt: string;
  readonly step: {
    readonly agent: string;
    readonly kind: string;
    readonly title: string;
    readonly detail: string | null;
  } | null;
  readonly investigation: InvestigationOutcome | null;
}

export const FOLLOW_INVESTIGATION = `
  subscription FollowInvestigation($id: ID!, $after: Cursor) {
    investigationProgressed(id: $id, after: $after) {
      __typename
      ... on InvestigationProgress {
        cursor kind investigationId occurredAt
        step { agent kind title detail }
        investigation { ${OUTCOME} }
      }
      ... on CaughtUp { cursor }
      ... on ResyncRequired { since reason }
    }
  }`;

export interface RecentInvestigation {
  readonly id: string;
  readonly finishedAt: string | null;
  readonly alertId: string;
}
export interface RecentInvestigations {
  readonly investigations: { readonly nodes: readonly RecentInvestigation[] } | null;
}
export const RECENT_INVESTIGATIONS = `
  query RecentInvestigations($first: Int!) { investigations(first: $first) { nodes { id finishedAt alertId } } }`;

export interface AlertTitle {
  readonly alert: { readonly title: string } | null;
}
export const ALERT_TITLE = `
  query AlertTitle($id: ID!) { alert(id: $id) { title } }`;

export interface FoundEvents {
  readonly events: { readonly nodes: readonly { readonly id: string }[] };
}
export const FIND_EVENTS = `
  query FindEvents($query: String!) { events(query: $query, first: 5) { nodes { id } } }`;

export interface ListedEvent {
  readonly id: string;
  readonly timestamp: string;
  readonly ingestedAt: string;
  readonly code: string | null;
  readonly dataset: string | null;
  readonly hostName: string | null;
  readonly userName: string | null;
  readonly isRaw: boolean;
  readonly original: string | null;
  readonly document: Readonly<Record<string, unknown>>;
}
export interface ListedEvents {
  readonly events: {
    readonly nodes: readonly ListedEvent[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
}
/** Newest first. */
export const LIST_EVENTS = `
  query ListEvents($query: String, $first: Int!, $after: String) {
    events(query: $query, first: $first, after: $after) {
      nodes { id timestamp ingestedAt code dataset hostName userName isRaw original document }
      pageInfo { hasNextPage endCursor }
    }
  }`;

export interface DeadLetterFacts {
  readonly id: string;
  readonly stream: string;
  readonly group: string;
  readonly messageId: string;
  readonly code: string;
  readonly reason: string;
  readonly attempts: number;
  readonly buriedAt: string;
  readonly sha256: string;
  readonly fields: readonly { readonly name: string; readonly value: string; readonly length: number }[];
}
export interface ListedDeadLetters {
  readonly deadLetters: {
    readonly nodes: readonly DeadLetterFacts[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
}
/** Newest first. */
export const LIST_DEAD_LETTERS = `
  query ListDeadLetters($stream: String, $first: Int!, $after: String) {
    deadLetters(stream: $stream, first: $first, after: $after) {
      nodes { id stream group messageId code reason attempts buriedAt sha256 fields { name value length } }
      pageInfo { hasNextPage endCursor }
    }
  }`;

export interface ReplayDeadLetterAnswer {
  readonly replayDeadLetter: { readonly __typename: 'DeadLetter' | 'DeadLetterNotFound' };
}
export const REPLAY_DEAD_LETTER = `
  mutation ReplayDeadLetter($stream: String!, $id: ID!) {
    replayDeadLetter(stream: $stream, id: $id) { __typename }
  }`;

export interface ProbedAlertChange {
  readonly __typename: 'AlertChange';
  readonly cursor: string;
  readonly alertId: string;
}
export const FOLLOW_PROBED_ALERTS = `
  subscription FollowProbedAlerts($after: Cursor) {
    alertChanged(after: $after) {
      __typename
      ... on AlertChange { cursor alertId }
      ... on CaughtUp { cursor }
      ... on ResyncRequired { since reason }
    }
  }`;

export interface EventsOfAlert {
  readonly alert: { readonly events: { readonly nodes: readonly { readonly id: string }[] } | null } | null;
}
/** To tell one probe's alert from another's. */
export const EVENTS_OF_ALERT = `
  query EventsOfAlert($id: ID!) { alert(id: $id) { events(first: 5) { nodes { id } } } }`;

export type InvestigateAnswer = {
  readonly investigate:
    | { readonly __typename: 'Investigation'; readonly id: string }
    | { readonly __typename: 'InvestigationLimitReached'; readonly unfinished: number }
    | { readonly __typename: 'AlertNotFound' };
};
export const INVESTIGATE = `
  mutation Investigate($alertId: ID!) {
    investigate(input: { alertId: $alertId }) {
      __typename
      ... on Investigation { id }
      ... on InvestigationLimitReached { unfinished }
    }
  }`;

export interface RefusedRule {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly line: number | null;
  readonly column: number | null;
}
export interface ImportRulesAnswer {
  readonly importDetectionRules:
    | {
        readonly __typename: 'ImportedRules';
        readonly saved: number;
        readonly unchanged: number;
        readonly refused: readonly RefusedRule[];
      }
    | { readonly __typename: 'NoRuleAccepted'; readonly refused: readonly RefusedRule[] };
}
export const IMPORT_RULES = `
  mutation ImportRules($documents: [RuleDocumentInput!]!) {
    importDetectionRules(input: { documents: $documents }) {
      __typename
      ... on ImportedRules { saved unchanged refused { name code message line column } }
      ... on NoRuleAccepted { refused { name code message line column } }
    }
  }`;

export interface ErasureFacts {
  readonly id: string;
  readonly tenantId: string;
  readonly state: 'ERASING' | 'ERASED';
  readonly domains: readonly {
    readonly domain: string;
    readonly state: 'ERASING' | 'ERASED';
    readonly tables: readonly { readonly name: string; readonly rows: number }[];
    readonly streamEntries: number;
    readonly deadLetters: number;
  }[];
}
const ERASURE_FACTS =
  'id tenantId state domains { domain state erasedAt tables { name rows } streamEntries deadLetters }';

export type EraseTenantAnswer = {
  readonly eraseTenant:
    | (ErasureFacts & { readonly __typename: 'TenantErasure' })
    | { readonly __typename: 'ErasureNotConfirmed'; readonly tenantId: string };
};
export const ERASE_TENANT = `
  mutation EraseTenant($input: EraseTenantInput!) {
    eraseTenant(input: $input) {
      __typename
      ... on TenantErasure { ${ERASURE_FACTS} }
      ... on ErasureNotConfirmed { tenantId }
    }
  }`;

export interface ErasureAnswer {
  readonly tenantErasure: ErasureFacts | null;
}
export const ERASURE = `
  query Erasure($id: ID!) { tenantErasure(id: $id) { ${ERASURE_FACTS} } }`;
