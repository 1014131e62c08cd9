/** The two subgraphs of the specs: alerts with live fields, and agents which extends alerts. */
import type { TokenVerifier } from '@aurorasoc/kit/auth';
import { GraphQLError } from 'graphql';
import { ChangeLog, ChangeReader } from './change-log.js';
import { type SubgraphContext, SubgraphServer } from './subgraph-server.js';

/** Of an alert that agents name and alerts do not have. */
const STRAY_ID = 'stray';

export const ALERTS_SDL = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable"])
  scalar Cursor
  enum ResyncReason { RETENTION SLOW_CONSUMER RIGHTS_CHANGED }
  type Query { alerts: [Alert!]! alert(id: ID!): Alert broken: String refused: String counter: Int! found(filter: AlertFilter): Int! }
  enum AlertStatus { NEW RESOLVED CLOSED }
  input AlertFilter { status: [AlertStatus!] assignee: String text: String and: AlertFilter }
  input TriageInput { id: ID! status: AlertStatus! }
  type Mutation { renameAlert(id: ID!, title: String!): Alert triage(input: [TriageInput!]!): Int! }
  type Subscription {
    alertChanged(minVersion: Int, filter: AlertFilter, after: Cursor): AlertChangeItem!
    eventTail(query: String): TailLine!
  }
  type Alert @key(fields: "id") { id: ID! title: String! }
  type AlertChange { cursor: Cursor! version: Int! alertId: ID! alert: Alert padding: String }
  type CaughtUp @shareable { cursor: Cursor! }
  type ResyncRequired @shareable { since: Cursor! reason: ResyncReason! }
  type TailLine { text: String! }
  union AlertChangeItem = AlertChange | CaughtUp | ResyncRequired
`;

export const AGENTS_SDL = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable"])
  scalar Cursor
  type Query { agents: [String!] }
  type Alert @key(fields: "id") { id: ID! investigations: [Investigation!] askedBy: String stray: Alert }
  type Investigation { id: ID! verdict: String! alertTitle: String }
  type CaughtUp @shareable { cursor: Cursor! }
`;

export class AlertsSubgraph extends SubgraphServer {
  readonly log: ChangeLog;
  /** Subscriptions that are open right now, and how many were ever opened. */
  readonly live: { open: number; opened: number };
  readonly tail: { push(text: string): void };
  /** Set to make the next subscription be refused. */
  readonly refusal: { code?: string };

  constructor(verifier: TokenVerifier) {
    const log = new ChangeLog();
    const titles = new Map([
      ['1', 'first'],
      ['2', 'second'],
    ]);
    const live = { open: 0, opened: 0 };
    const refusal: { code?: string } = {};
    const tails = new Set<(text: string) => void>();
    let counter = 0;
    const alertOf = (id: string) => (titles.has(id) ? { id, title: titles.get(id) } : null);
    super(
      ALERTS_SDL,
      {
        Query: {
          alerts: () => [...titles.keys()].map(alertOf),
          alert: (_: unknown, { id }: { id: string }) => alertOf(id),
          counter: () => ++counter,
          found: () => titles.size,
          broken: () => {
            throw new Error('password of the database is hunter2');
          },
          refused: () => {
            throw new GraphQLError('This needs the scope alerts:write', {
              extensions: { code: 'FORBIDDEN', field: 'refused', retryAfter: 3, stack: 'secret' },
            });
          },
        },
        Mutation: {
          triage: (_: unknown, { input }: { input: unknown[] }) => input.length,
          renameAlert: (_: unknown, { id, title }: { id: string; title: string }) => {
            titles.set(id, title);
            return alertOf(id);
          },
        },
        Subscription: {
          alertChanged: {
            subscribe: (_: unknown, { after }: { after?: string }) => {
              if (refusal.code) throw new GraphQLError('Not for you', { extensions: { code: refusal.code } });
              live.open++;
              live.opened++;
              return new ChangeReader(log, after ?? undefined, () => live.open--);
            },
            resolve: (value: unknown) => value,
          },
          eventTail: {
            subscribe: () => {
              live.open++;
              live.opened++;
              return tailReader(tails, () => live.open--);
            },
            resolve: (value: unknown) => value,
          },
        },
        Alert: {
          __resolveReference: ({ id }: { id: string }) =>
            id === STRAY_ID ? null : { id, title: titles.get(id) ?? `alert ${id}` },
        },
        AlertChange: { padding: ({ title }: { title: string }) => title },
      },
      verifier,
    );
    this.log = log;
    this.live = live;
    this.refusal = refusal;
    this.tail = { push: (text) => tails.forEach((push) => void push(text)) };
  }
}

export function createAgentsSubgraph(verifier: TokenVerifier): SubgraphServer {
  const investigationsOf = (id: string) => [{ id: `i-${id}`, verdict: 'BENIGN_POSITIVE' }];
  return new SubgraphServer(
    AGENTS_SDL,
    {
      Query: { agents: () => ['triage'] },
      Alert: {
        __resolveReference: ({ id }: { id: string }, { principal }: SubgraphContext) => ({
          id,
          investigations: investigationsOf(id),
          askedBy: principal.subject,
          stray: { id: STRAY_ID },
        }),
      },
    },
    verifier,
  );
}

function tailReader(tails: Set<(text: string) => void>, onClose: () => void): AsyncIterableIterator<{ text: string }> {
  const lines: { text: string }[] = [];
  let wake: () => void = () => undefined;
  let isClosed = false;
  const push = (text: string): void => {
    lines.push({ text });
    wake();
  };
  tails.add(push);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      while (!isClosed) {
        const line = lines.shift();
        if (line) return { done: false, value: line };
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return { done: true, value: undefined };
    },
    async return() {
      if (!isClosed) onClose();
      isClosed = true;
      tails.delete(push);
      wake();
      return { done: true, value: undefined };
    },
  };
}
