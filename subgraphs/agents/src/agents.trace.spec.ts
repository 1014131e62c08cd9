import { createServer } from 'node:http';
import type { Principal } from '@aurorasoc/kit/auth';
import { closeServer, listen } from '@aurorasoc/kit/health';
import { newId } from '@aurorasoc/kit/ids';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { startAgentsProcess } from './testing/agents-process.js';
import { ALERT_ID, attackGraph } from './testing/event-graph.js';
import { startSite, type TestSite } from './testing/site.js';

/** A file of its own: the first provider of a process stays, so telemetry must begin with the collector. */
let site: TestSite;
beforeAll(async () => {
  site = await startSite();
}, 60_000);
afterAll(() => site?.stop());

/** OTLP in JSON, as far as the spec reads it (opentelemetry-proto, trace/v1). */
interface Span {
  readonly traceId: string;
  readonly name: string;
  readonly links?: readonly { traceId: string; spanId: string }[];
}

async function startCollector(): Promise<{ url: string; spans: Span[] }> {
  const spans: Span[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const { resourceSpans } = JSON.parse(text) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] };
    for (const { scopeSpans } of resourceSpans) for (const scope of scopeSpans) spans.push(...scope.spans);
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  const port = await listen(server, 0, '127.0.0.1');
  onTestFinished(() => closeServer(server, 0));
  return { url: `http://127.0.0.1:${port}`, spans };
}

it('an investigation has a trace of its own, through worker and agents, linked to the span that opened the alert', async () => {
  const collector = await startCollector();
  const process = await startAgentsProcess(site, attackGraph(), {}, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  onTestFinished(() => process.stop());
  const scopes: Principal['scopes'] = ['events:read', 'alerts:read', 'agents:read', 'rules:read', 'agents:run'];
  const who: Principal = { tenant: newId(), subject: 'ann', kind: 'user', scopes };
  const { data } = await process.query(
    who,
    'mutation ($input: InvestigateInput!) { investigate(input: $input) { ... on Investigation { id traceparent } } }',
    { input: { alertId: ALERT_ID } },
  );
  const { traceparent } = (data?.investigate ?? {}) as { traceparent: string };
  const traceId = traceparent.split('-')[1];
  const own = (): Span[] => collector.spans.filter((span) => span.traceId === traceId);

  const expected = [
    'start investigation',
    'invoke_agent orchestrator',
    'agent orchestrator',
    'invoke_agent endpoint',
    'agent endpoint',
  ];
  await vi.waitFor(() => expect(own().map((span) => span.name)).toEqual(expect.arrayContaining(expected)), {
    timeout: 15_000,
    interval: 100,
  });
  // The alert's trace context as the graph tells it, see attackGraph.
  const alert = { traceId: '1'.repeat(32), spanId: '2'.repeat(16) };
  expect(own().flatMap((span) => span.links ?? [])).toContainEqual(expect.objectContaining(alert));
  expect(traceId).not.toBe(alert.traceId);
  const request = collector.spans.find((span) => span.name === 'graphql');
  expect(request?.traceId, 'the trace of the request is another one').not.toBe(traceId);
});
