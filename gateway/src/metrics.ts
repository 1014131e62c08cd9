/** The gateway's own metrics, in seconds and counts. */
import type { Health } from '@aurorasoc/kit/health';
import { Counter, Gauge, Histogram } from 'prom-client';

export type Transport = 'http' | 'websocket';
export type Outcome = 'ok' | 'error' | 'refused';

export interface GatewayMetrics {
  /** Queries and mutations from arrival to the last byte handed to the socket; subscriptions are not in it. */
  readonly requestSeconds: Histogram<'transport' | 'outcome'>;
  /** Subscriptions that clients hold open. */
  readonly subscribers: Gauge;
  /** Subscriptions that the gateway holds open at subgraphs. */
  readonly upstreams: Gauge;
  /** `ResyncRequired` items made by the gateway for clients that read too slowly. */
  readonly resyncs: Counter;
  /** Items of fields without a cursor that slow clients, or a whole upstream before its plan, had no room for. */
  readonly droppedItems: Counter;
}

export function createMetrics(health: Health): GatewayMetrics {
  const registers = [health.metrics];
  return {
    requestSeconds: new Histogram({
      name: 'aurora_gateway_request_duration_seconds',
      help: 'Queries and mutations, by transport and outcome',
      labelNames: ['transport', 'outcome'],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    subscribers: new Gauge({ name: 'aurora_ws_subscribers', help: 'Subscriptions held open by clients', registers }),
    upstreams: new Gauge({ name: 'aurora_ws_upstreams', help: 'Subscriptions held open at subgraphs', registers }),
    resyncs: new Counter({ name: 'aurora_ws_resyncs_total', help: 'ResyncRequired items for slow clients', registers }),
    droppedItems: new Counter({
      name: 'aurora_ws_dropped_items_total',
      help: 'Items of ephemeral fields for which there was no room',
      registers,
    }),
  };
}
