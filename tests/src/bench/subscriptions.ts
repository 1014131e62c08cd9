/**
 * What a live field costs behind the gateway: clients of `alertChanged` at the public door of a whole site, against as many of
 * a bare graphql-ws server that pushes a like payload. The same clients for both, in processes of their own; once of one identity,
 * once of fifty, each of which has an upstream and a plan of its own. A round is a burst of changes, from the first delivery to
 * the last. At the end every connection is cut while alerts change, and each client resumes by its cursor.
 */
import { join } from 'node:path';
import { createApiKey, readApiKeys, writeApiKeys } from '@aurorasoc/kit/auth';
import { shadowCopiesDeleted, toNdjson } from '../support/events.js';
import { type Forked, forkProgram, nextMessage, tell as tellProgram } from '../support/forked-program.js';
import { type RunningSite, startTestSite } from '../support/site.js';
import { eventually } from '../support/wait.js';
import { type BenchOutcome, type Comparison, type Condition, compare, judge } from './compare.js';
import type { FleetAnswer, FleetOrder } from './subscriptions/messages.js';

export interface SubscriptionsBenchSize {
  readonly rounds: number;
  readonly clients: number;
  readonly identities: number;
  /** Of each round; each goes to each client. */
  readonly changes: number;
}

type Report = Extract<FleetAnswer, { kind: 'report' }>;

export interface SubscriptionsBenchOutcome extends BenchOutcome {
  readonly oneIdentity: Comparison;
  readonly manyIdentities: Comparison;
  readonly lost: number;
  readonly twice: number;
}

const FULL: SubscriptionsBenchSize = { rounds: 3, clients: 2_000, identities: 50, changes: 20 };
const TARGET = { goal: 0.7, floor: 0.5 };
const QUERY = `subscription ($after: Cursor) { alertChanged(after: $after) { __typename
  ... on AlertChange { cursor kind alertId version alert { id title severity status assignee } }
  ... on CaughtUp { cursor }
  ... on ResyncRequired { since reason } } }`;
const BARE_QUERY = `subscription ($after: String) { alertChanged(after: $after) { __typename
  ... on AlertChange { cursor kind alertId version alert { id title severity status assignee } }
  ... on CaughtUp { cursor } } }`;
const UPDATE =
  'mutation ($ids: [ID!]!, $input: UpdateAlertsInput!) { updateAlerts(ids: $ids, input: $input) { __typename } }';

export async function benchSubscriptions(size: SubscriptionsBenchSize = FULL): Promise<SubscriptionsBenchOutcome> {
  const site = await startTestSite({ env: { INVESTIGATE_FROM_SEVERITY: 'OFF' } });
  const programs: Forked[] = [];
  const start = (name: string): Forked => {
    const program = forkProgram(`bench/subscriptions/${name}`);
    programs.push(program);
    return program;
  };
  try {
    const alerts = await openAlerts(site, size.changes);
    const server = start('bare-server');
    const { url: bareUrl } = await nextMessage<{ url: string }>(server);
    const run = async (identities: number): Promise<{ comparison: Comparison; ours: Report; peer: Report }> => {
      const [ours, peer] = [start('client-fleet'), start('client-fleet')];
      const url = `${site.urls.gateway.replace(/^http/, 'ws').replace(/\/graphql$/, '')}/graphql`;
      const tokens = makeTokens(site, identities);
      await tell(ours, { kind: 'open', url, tokens, clients: size.clients, query: QUERY });
      await tell(peer, { kind: 'open', url: bareUrl, tokens, clients: size.clients, query: BARE_QUERY });
      const comparison = await compare(
        {
          name: `gateway, ${identities} ${identities === 1 ? 'identity' : 'identities'}`,
          round: () => burst(ours, size, () => changeAlerts(site, alerts)),
        },
        {
          name: 'bare graphql-ws',
          round: () => burst(peer, size, async () => void server.child.send({ kind: 'push', changes: size.changes })),
        },
        size.rounds,
        'deliveries',
      );
      // Cut in the middle of a burst: some clients have it in part.
      const cut = tell(ours, { kind: 'cut' });
      await changeAlerts(site, alerts);
      await cut;
      await tell(ours, { kind: 'await', changes: size.changes });
      const reports = [await tell(ours, { kind: 'report' }), await tell(peer, { kind: 'report' })] as [Report, Report];
      await Promise.all([ours.stop(), peer.stop()]);
      return { comparison, ours: reports[0], peer: reports[1] };
    };
    const one = await run(1);
    const many = await run(size.identities);
    const changes = (size.rounds + 1) * size.changes;
    const outcome = judge(
      'subscriptions',
      Math.min(one.comparison.ratio, many.comparison.ratio),
      TARGET,
      [one, many].flatMap(({ ours, peer }, index) => [
        complete(
          `${index === 0 ? 'one identity' : 'many identities'}, after a cut`,
          ours,
          size,
          changes + size.changes,
        ),
        complete('the peer', peer, size, changes),
      ]),
    );
    return {
      ...outcome,
      oneIdentity: one.comparison,
      manyIdentities: many.comparison,
      lost: one.ours.lost + many.ours.lost,
      twice: one.ours.twice + many.ours.twice,
    };
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
    await site.stop();
  }
}

const tell = tellProgram<FleetOrder, FleetAnswer>;

/** @returns deliveries a second. */
async function burst(fleet: Forked, size: SubscriptionsBenchSize, change: () => Promise<void>): Promise<number> {
  const delivered = tell(fleet, { kind: 'await', changes: size.changes });
  await change();
  const answer = await delivered;
  if (answer.kind !== 'delivered') throw new RangeError(answer.kind);
  return (size.changes * size.clients) / (answer.ms / 1_000);
}

function complete(
  who: string,
  { delivered, lost, twice, resyncs, reconnects }: Report,
  { clients }: SubscriptionsBenchSize,
  changes: number,
): Condition {
  return {
    name: `${who}: each client has each change once`,
    met: delivered === changes * clients && lost === 0 && twice === 0 && resyncs === 0,
    seen: `${delivered} of ${changes * clients}, ${lost} lost, ${twice} twice, ${resyncs} told to read again, ${reconnects} reconnects`,
  };
}

/** People of the site's one tenant, each with a key. */
function makeTokens({ home, tenant }: RunningSite, count: number): string[] {
  const file = join(home, 'keys', 'api-keys.json');
  const made = Array.from({ length: count }, (_, n) =>
    createApiKey({ tenant, subject: `bench-${count}-${n}`, kind: 'user', roles: ['analyst'] }),
  );
  writeApiKeys(file, [...readApiKeys(file), ...made.map(({ key }) => key)]);
  return made.map(({ text }) => text);
}

async function openAlerts(site: RunningSite, count: number): Promise<string[]> {
  const events = Array.from({ length: count }, (_, n) => shadowCopiesDeleted(`WS-BENCH-${n}.corp.example`));
  const response = await fetch(`${site.urls.ingest}/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', authorization: `Bearer ${site.token}` },
    body: toNdjson(events),
  });
  if (!response.ok) throw new Error(`ingest answered ${response.status}`);
  const { alerts } = await eventually(
    () => site.client.query<{ alerts: { nodes: { id: string }[] } }>('{ alerts(first: 200) { nodes { id } } }'),
    (result) => result.alerts.nodes.length === count,
    60_000,
  );
  return alerts.nodes.map(({ id }) => id);
}

let changed = 0;

/** Each of the alerts once, in one transaction: all changes are there at once. */
async function changeAlerts(site: RunningSite, ids: readonly string[]): Promise<void> {
  changed += 1;
  await site.client.query(UPDATE, { ids, input: { assignee: `person-${changed}` } });
}
