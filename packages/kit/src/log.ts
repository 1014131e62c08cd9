/** Structured logs: JSON lines on standard output, a fixed message with the facts beside it. */
import { isSpanContextValid, trace } from '@opentelemetry/api';
import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/** @param service - the role's name, written to each line as `service.name` (OpenTelemetry). */
export function createLog(service: string, level: string): Logger {
  return pino({
    level,
    base: { 'service.name': service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    // Logs join their trace (OpenTelemetry's names for trace context in non-OTLP logs).
    mixin: () => {
      const context = trace.getActiveSpan()?.spanContext();
      return context && isSpanContextValid(context) ? { trace_id: context.traceId, span_id: context.spanId } : {};
    },
    redact: ['authorization', 'token', 'password', '*.authorization', '*.token', '*.password'],
  });
}
