/**
 * What ingest counts. Two identities hold at any time, so that a loss would show:
 * accepted + recovered = acknowledged + unacknowledged events, and each request ends in one outcome.
 */
import { Counter, Gauge, type Registry } from 'prom-client';

/** The part of the spool that gauges read when they are scraped. */
export interface SpoolFigures {
  readonly bytes: number;
  readonly batches: number;
  readonly events: number;
  readonly damagedSegments: number;
  readonly syncs: number;
  /** Acceptance time of the oldest unacknowledged batch, milliseconds since the epoch. */
  readonly oldestReceivedMs: number | undefined;
}

export type IngestMetrics = ReturnType<typeof createIngestMetrics>;

export function createIngestMetrics(registry: Registry) {
  const registers = [registry];
  const counter = <L extends string = never>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter<L>({ name, help, labelNames, registers });
  return {
    accepted: counter('ingest_events_accepted_total', 'Events that were on disk when their request got its 2xx'),
    recovered: counter('ingest_events_recovered_total', 'Events found unacknowledged in the spool at start'),
    published: counter('ingest_events_published_total', 'Events put on a stream for the first time by this process'),
    acknowledged: counter('ingest_events_acknowledged_total', 'Events that storage reported as committed'),
    refused: counter(
      'ingest_events_refused_total',
      'Lines of refused requests, as far as they were read; a request refused before its body counts none',
      ['reason'],
    ),
    raw: counter('ingest_events_raw_total', 'Events that did not parse and went on as raw events', ['reason']),
    requests: counter(
      'ingest_requests_total',
      'Requests to the events endpoint by outcome: accepted, replayed, or an error code',
      ['outcome'],
    ),
    resent: counter(
      'ingest_batches_resent_total',
      'Batches sent again: the stream was lost, or no acknowledgement came',
      ['reason'],
    ),
    syslogLines: counter(
      'ingest_syslog_lines_total',
      'Syslog messages that were taken in, by transport and framing; on disk they count as accepted events',
      ['transport', 'framing'],
    ),
    syslogLost: counter(
      'ingest_syslog_lost_total',
      'Syslog messages that were received and not stored: dropped datagrams, messages cut off by their sender, lines in memory at a stop; what a stop leaves unread of a connection counts as one',
      ['transport', 'reason'],
    ),
    syslogConnectionsRefused: counter(
      'ingest_syslog_connections_refused_total',
      'TCP connections that were closed: broken framing, a message that is too long, too many connections',
      ['reason'],
    ),
    syslogConnections: new Gauge({
      name: 'ingest_syslog_connections',
      help: 'Open TCP connections of syslog senders',
      registers,
    }),
    mqttMessages: counter(
      'ingest_mqtt_messages_total',
      'Messages of devices that are on disk; they count as accepted events, too',
    ),
    mqttRefused: counter(
      'ingest_mqtt_refused_total',
      'Messages that can be no telemetry and were given up: their topic names no device, or they are too large',
      ['reason'],
    ),
    mqttWithheld: counter(
      'ingest_mqtt_withheld_total',
      'Messages that got no PUBACK because the spool did not take them; the broker sends them again',
    ),
    mqttLost: counter(
      'ingest_mqtt_lost_total',
      'Messages of QoS 0 that arrived and were not taken, because the spool refused or ingest was stopping; nobody sends them again',
    ),
    mqttConnections: new Gauge({
      name: 'ingest_mqtt_connections',
      help: 'Connections to the broker that are subscribed',
      registers,
    }),
    publishFailures: counter(
      'ingest_publish_failures_total',
      'Attempts to publish a batch that failed and are repeated',
    ),
  };
}

/** Figures of the spool, read from it at each scrape. */
export function exposeSpool(registry: Registry, spool: SpoolFigures, now: () => number): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  new Counter({
    name: 'ingest_spool_syncs_total',
    help: 'Groups of batches that were forced to disk together',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(spool.syncs);
    },
  });
  gauge('ingest_spool_bytes', 'Bytes of the spool on disk', () => spool.bytes);
  gauge(
    'ingest_spool_damaged_segments',
    'Segments with unreadable records, kept aside for inspection',
    () => spool.damagedSegments,
  );
  gauge('ingest_unacknowledged_batches', 'Batches that storage has not reported as committed', () => spool.batches);
  gauge('ingest_unacknowledged_events', 'Events of those batches', () => spool.events);
  gauge('ingest_oldest_unacknowledged_seconds', 'Age of the oldest of those batches; 0 without any', () =>
    spool.oldestReceivedMs === undefined ? 0 : Math.max(0, now() - spool.oldestReceivedMs) / 1000,
  );
}
