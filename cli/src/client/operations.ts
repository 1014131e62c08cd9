/** Every document that the commands send; a spec holds them to the composed schema. */

/** Answers who asks, and with it whether gateway and token are right. */
export const PING = `query Ping { __typename }`;

export interface AlertChange {
  readonly __typename: 'AlertChange';
  readonly cursor: string;
  readonly kind: 'OPENED' | 'UPDATED';
  readonly alertId: string;
  readonly occurredAt: string;
  readonly changed: readonly string[];
  readonly alert: {
    readonly title: string;
    readonly severity: string;
    readonly status: string;
    readonly count: number;
    readonly entities: readonly { readonly type: string; readonly value: string }[];
  } | null;
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
        cursor kind alertId occurredAt changed
        alert { title severity status count entities { type value } }
      }
      ... on CaughtUp { cursor }
      ... on ResyncRequired { since reason }
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
  readonly investigation: {
    readonly status: string;
    readonly verdict: {
      readonly disposition: string;
      readonly severity: string;
      readonly confidence: number;
      readonly summary: string;
    } | null;
    readonly failure: { readonly code: string; readonly message: string } | null;
  } | null;
}

export const FOLLOW_INVESTIGATION = `
  subscription FollowInvestigation($id: ID!, $after: Cursor) {
    investigationProgressed(id: $id, after: $after) {
      __typename
      ... on InvestigationProgress {
        cursor kind investigationId occurredAt
        step { agent kind title detail }
        investigation {
          status
          verdict { disposition severity confidence summary }
          failure { code message }
        }
      }
      ... on CaughtUp { cursor }
      ... on ResyncRequired { since reason }
    }
  }`;

export interface RecentInvestigations {
  readonly investigations: { readonly nodes: readonly { readonly id: string; readonly finishedAt: string | null }[] };
}
export const RECENT_INVESTIGATIONS = `
  query RecentInvestigations($first: Int!) { investigations(first: $first) { nodes { id finishedAt } } }`;

export interface FoundEvents {
  readonly events: { readonly nodes: readonly { readonly id: string }[] };
}
export const FIND_EVENTS = `
  query FindEvents($query: String!) { events(query: $query, first: 5) { nodes { id } } }`;

/** An alert with the events behind it, to tell one probe's from another's. */
export interface ProbedAlertChange {
  readonly __typename: 'AlertChange';
  readonly cursor: string;
  readonly alertId: string;
  readonly alert: { readonly events: { readonly nodes: readonly { readonly id: string }[] } | null } | null;
}
export const FOLLOW_PROBED_ALERTS = `
  subscription FollowProbedAlerts($after: Cursor) {
    alertChanged(after: $after) {
      __typename
      ... on AlertChange { cursor alertId alert { events(first: 5) { nodes { id } } } }
      ... on CaughtUp { cursor }
      ... on ResyncRequired { since reason }
    }
  }`;

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
