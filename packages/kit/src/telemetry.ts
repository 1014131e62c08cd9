/**
 * OpenTelemetry tracing: one provider per process, W3C trace context across HTTP, streams and outbox rows.
 *
 * Spans are always made, so that a `traceparent` travels with every event; they leave the process only when a collector
 * is configured. Trace context that comes from devices or peers is untrusted: link to it, never continue it.
 */
import {
  type Attributes,
  type Context,
  context,
  type Link,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { describeError } from './errors.js';

export { SpanKind } from '@opentelemetry/api';

export interface Telemetry {
  /** Sends what is left; resolves also when the collector is away. */
  shutdown(): Promise<void>;
}

/**
 * Installs the process-wide provider.
 *
 * @param service - becomes `service.name`.
 * @param endpoint - base URL of an OTLP/HTTP collector (`/v1/traces` is appended); undefined: nothing is exported.
 */
export function startTelemetry(service: string, endpoint: string | undefined): Telemetry {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const exporter =
    endpoint === undefined ? undefined : new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': service, 'service.namespace': 'aurorasoc' }),
    spanProcessors: exporter === undefined ? [] : [new BatchSpanProcessor({ exporter, scheduledDelayMillis: 500 })],
  });
  trace.setGlobalTracerProvider(provider);
  return { shutdown: () => provider.shutdown().catch(() => undefined) };
}

export interface SpanOptions {
  readonly kind?: SpanKind;
  readonly attributes?: Attributes;
  /** W3C `traceparent` of the span that caused this one; absent: the active span. */
  readonly parent?: string | undefined;
  /** Starts a trace of its own, whatever is active. */
  readonly root?: boolean;
  /** W3C `traceparent` values of related spans in other traces. */
  readonly links?: readonly (string | undefined)[];
}

/** Runs `work` inside a span; an exception marks the span as failed and goes on. */
export function inSpan<T>(name: string, options: SpanOptions, work: (span: Span) => Promise<T>): Promise<T> {
  const parent = options.root
    ? ROOT_CONTEXT
    : options.parent === undefined
      ? context.active()
      : contextOf(options.parent);
  const links = (options.links ?? []).map(linkTo).filter((link) => link !== undefined);
  const span = trace.getTracer('aurorasoc').startSpan(
    name,
    {
      kind: options.kind ?? SpanKind.INTERNAL,
      ...(options.attributes ? { attributes: options.attributes } : {}),
      links,
    },
    parent,
  );
  return context.with(trace.setSpan(parent, span), async () => {
    try {
      return await work(span);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: describeError(error) });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** The active span as a W3C `traceparent`; undefined outside of any span. */
export function currentTraceparent(): string | undefined {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent;
}

function contextOf(traceparent: string): Context {
  return propagation.extract(ROOT_CONTEXT, { traceparent });
}

function linkTo(traceparent: string | undefined): Link | undefined {
  const spanContext = traceparent === undefined ? undefined : trace.getSpanContext(contextOf(traceparent));
  return spanContext === undefined ? undefined : { context: spanContext };
}
