/**
 * One event, all the way, through public doors only: sent with the CLI, found by a rule, followed live through the gateway,
 * investigated over the worker path, and every claim of the verdict resolved.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId } from '@aurorasoc/kit/ids';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { aurora } from '../support/cli.js';
import { shadowCopiesDeleted, toNdjson } from '../support/events.js';
import { importRules, regressionCase } from '../support/regression-case.js';
import { joinSite, type SharedSite } from '../support/shared-site.js';
import { ancestryOf, type CollectedSpan, collectedSpans } from '../support/trace-collector.js';
import { eventually } from '../support/wait.js';

const ALERT_CHANGED = `subscription ($filter: AlertFilterInput, $after: Cursor) { alertChanged(filter: $filter, after: $after) {
  __typename
  ... on AlertChange { cursor kind alertId version alert { id ruleId title count severity investigations { id status } } }
  ... on CaughtUp { cursor }
  ... on ResyncRequired { since reason }
} }`;
const PROGRESSED = `subscription ($id: ID!, $after: Cursor) { investigationProgressed(id: $id, after: $after) {
  __typename
  ... on InvestigationProgress { cursor version step { ordinal agent kind title } investigation { status verdict { disposition confidence claims { text citations { eventId pointer value } } techniques } } }
  ... on CaughtUp { cursor }
} }`;

interface Change {
  __typename: string;
  kind?: string;
  alertId: string;
  version: number;
  alert: {
    id: string;
    ruleId: string;
    title: string;
    count: number;
    investigations: { id: string; status: string }[];
  } | null;
}

interface Citation {
  eventId: string;
  pointer: string;
  value: unknown;
}

interface Progress {
  __typename: string;
  version: number;
  step: { ordinal: number; agent: string; kind: string; title: string } | null;
  investigation: {
    status: string;
    verdict: {
      disposition: string;
      confidence: number;
      claims: { text: string; citations: Citation[] }[];
      techniques: string[];
    } | null;
  };
}

let site: SharedSite;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'aurora-e2e-'));
  site = await joinSite();
});

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
});

async function send(name: string, text: string): Promise<{ traceId: string }> {
  const file = join(folder, name);
  writeFileSync(file, text);
  const result = await aurora(['send', file], {
    env: { ...site.cliEnvironment, OTEL_EXPORTER_OTLP_ENDPOINT: inject('sharedTraces') },
  });
  expect(result, result.stderr).toMatchObject({ code: 0 });
  return { traceId: /\b[0-9a-f]{32}\b/.exec(result.stdout)?.[0] ?? '' };
}

/** Follows the alerts of one rule, or of any, until one of them fits. */
async function nextChange(fits: (change: Change) => boolean, act: () => Promise<unknown>): Promise<Change> {
  const leave = new AbortController();
  let found: Change | undefined;
  let acting: Promise<unknown> | undefined;
  await site.client.follow<Change>(
    ALERT_CHANGED,
    {},
    {
      signal: leave.signal,
      onItem: (item, errors) => {
        expect(errors).toEqual([]);
        if (item.__typename === 'CaughtUp') acting ??= act();
        else if (item.__typename === 'AlertChange' && fits(item)) {
          found = item;
          leave.abort();
        }
      },
    },
  );
  await acting;
  if (!found) throw new Error('the live field ended without the change');
  return found;
}

async function investigateToTheEnd(alertId: string): Promise<{ id: string; progress: Progress[] }> {
  const { investigate } = await site.client.query<{ investigate: { __typename: string; id: string } }>(
    'mutation ($input: InvestigateInput!) { investigate(input: $input) { __typename ... on Investigation { id } } }',
    { input: { alertId } },
  );
  expect(investigate.__typename).toBe('Investigation');
  const progress: Progress[] = [];
  const leave = new AbortController();
  await site.client.follow<Progress>(
    PROGRESSED,
    { id: investigate.id },
    {
      signal: leave.signal,
      onItem: (item, errors) => {
        expect(errors).toEqual([]);
        if (item.__typename !== 'InvestigationProgress') return;
        progress.push(item);
        if (
          ['COMPLETED', 'FAILED', 'CANCELLED', 'BUDGET_EXHAUSTED'].includes(item.investigation.status) &&
          item.investigation.verdict
        )
          leave.abort();
      },
    },
  );
  return { id: investigate.id, progress };
}

function atPointer(document: unknown, pointer: string): unknown {
  const keys = pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  return keys.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document);
}

async function expectCitationsToResolve(progress: readonly Progress[]): Promise<void> {
  const verdict = progress.at(-1)?.investigation.verdict;
  const citations = verdict?.claims.flatMap((claim) => claim.citations) ?? [];
  expect(citations.length).toBeGreaterThan(0);
  for (const claim of verdict?.claims ?? []) expect(claim.citations.length, claim.text).toBeGreaterThan(0);
  for (const { eventId, pointer, value } of citations) {
    const { event } = await site.client.query<{ event: { document: unknown } | null }>(
      'query ($id: ID!) { event(id: $id) { document } }',
      { id: eventId },
    );
    expect(event, eventId).not.toBeNull();
    expect(String(atPointer(event?.document, pointer)), pointer).toBe(String(value));
  }
}

function expectStepsInOrder(progress: readonly Progress[]): void {
  const versions = progress.map((item) => item.version);
  expect(versions).toEqual(versions.map((_, index) => (versions[0] ?? 0) + index));
  const ordinals = progress.flatMap((item) => (item.step ? [item.step.ordinal] : []));
  expect(ordinals.length).toBeGreaterThan(3);
  expect(ordinals).toEqual(ordinals.map((_, index) => index + 1));
  expect(new Set(progress.flatMap((item) => (item.step ? [item.step.agent] : []))).size).toBeGreaterThan(1);
}

describe('one event', () => {
  it('opens an alert, is investigated live, and every claim resolves; sent 1,000 times it is one alert of count 1,000', async () => {
    const event = shadowCopiesDeleted('WS-E2E-01.corp.example');
    const opened = await nextChange(
      (change) => change.kind === 'OPENED',
      () => send('event.json', JSON.stringify(event, null, 2)),
    );
    expect(opened.alert).toMatchObject({ title: 'Shadow copies deleted', count: 1, investigations: [] });

    const { investigate } = await site.client.query<{ investigate: unknown }>(
      'mutation ($input: InvestigateInput!) { investigate(input: $input) { __typename } }',
      { input: { alertId: newId() } },
    );
    expect(investigate, 'of an alert that does not exist').toEqual({ __typename: 'AlertNotFound' });
    const { id, progress } = await investigateToTheEnd(opened.alertId);
    expectStepsInOrder(progress);
    expect(progress.at(-1)?.investigation).toMatchObject({
      status: 'COMPLETED',
      verdict: { techniques: expect.arrayContaining(['T1490']) },
    });
    await expectCitationsToResolve(progress);

    const counted = await nextChange(
      (change) => change.alert?.count === 1_000,
      () => send('many.ndjson', toNdjson(Array.from({ length: 999 }, () => event))),
    );
    expect(counted.alertId).toBe(opened.alertId);
    expect(counted.alert?.investigations).toEqual([{ id, status: 'COMPLETED' }]);
    const { alertCount } = await site.client.query<{ alertCount: number }>('{ alertCount }');
    expect(alertCount).toBe(1);
  });

  it('is one trace from `send` to the alert, and the investigation’s trace links to the alert’s span', async () => {
    let traceId = '';
    const opened = await nextChange(
      (change) => change.kind === 'OPENED',
      async () => {
        ({ traceId } = await send('traced.json', JSON.stringify(shadowCopiesDeleted('WS-E2E-02.corp.example'))));
      },
    );
    expect(traceId).toMatch(/^[0-9a-f]{32}$/);
    const spans = () => collectedSpans(inject('sharedTraces'));
    const isAlertSpan = (span: CollectedSpan): boolean => span.name === 'open alert' && span.traceId === traceId;
    const alertSpan = (await eventually(spans, (found) => found.some(isAlertSpan))).find(isAlertSpan);
    if (!alertSpan) throw new Error('no span of the alert');
    const line = await eventually(
      async () => ancestryOf(await spans(), alertSpan),
      (found) => found.at(-1)?.parentSpanId === undefined,
    );
    expect(line.every((span) => span.traceId === traceId)).toBe(true);
    expect([...new Set(line.map((span) => span.service))]).toEqual(['alerts', 'ingest', 'aurora-cli']);

    await investigateToTheEnd(opened.alertId);
    const isLinked = ({ links }: CollectedSpan): boolean =>
      links.some((link) => link.spanId === alertSpan.spanId && link.traceId === traceId);
    const linked = (await eventually(spans, (found) => found.some(isLinked))).filter(isLinked);
    expect(linked[0]?.traceId).not.toBe(traceId);
    expect(linked[0]?.service).toBe('agents');
  });

  it.skipIf(regressionCase === undefined)(
    'of the public regression data is found by its own rule, once that is imported',
    async () => {
      if (!regressionCase) return;
      await importRules(site, regressionCase.rules);
      const opened = await nextChange(
        (change) => change.kind === 'OPENED' && change.alert?.ruleId === regressionCase?.ruleId,
        () => send('regression.json', regressionCase?.event ?? ''),
      );
      const { progress } = await investigateToTheEnd(opened.alertId);
      expectStepsInOrder(progress);
      await expectCitationsToResolve(progress);
    },
  );

  it('is sealed with everything that came of it, and `audit verify` finds what somebody changes behind the product', async () => {
    const verify = (...options: readonly string[]) =>
      aurora(['audit', 'verify', '--tenant', site.tenant, ...options], { env: site.cliEnvironment });
    const reportOf = ({ stdout }: { stdout: string }, domain: string) =>
      (JSON.parse(stdout) as Record<string, { size: number; fault?: { kind: string; at: number } }>)[domain];
    const whole = await eventually(
      () => verify('--json'),
      (result) => (reportOf(result, 'agents')?.size ?? 0) > 0,
    );
    expect(whole.code, whole.stdout).toBe(0);
    expect(reportOf(whole, 'alerts')?.size).toBeGreaterThan(0);
    expect((await verify()).stdout).toMatch(/^alerts: whole, \d+ events, root [0-9a-f]{64}$/m);

    const admin = new Client({ connectionString: site.databaseUrl('agents') });
    await admin.connect();
    for (const [sql, fault] of [
      [`update agents.event set body = body || ' '`, { kind: 'EVENT_CHANGED', at: 3 }],
      ['delete from agents.event', { kind: 'EVENT_MISSING', at: 3 }],
    ] as const) {
      await admin.query(
        `${sql} where seq = (select seq from agents.event_leaf
         join agents.event_position using (position) where leaf = 3 and event_leaf.tenant = $1)`,
        [site.tenant],
      );
      const changed = await verify('--json');
      expect(changed.code).toBe(1);
      expect(reportOf(changed, 'agents')?.fault).toEqual(fault);
    }
    await admin.end();
    expect((await verify()).stdout).toMatch(
      /^agents: NOT WHOLE, EVENT_MISSING at 3, behind 3 events as they were sealed$/m,
    );
  });
});
