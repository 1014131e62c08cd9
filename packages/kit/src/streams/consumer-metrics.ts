/** What consumers of one process count; all of them share the process' registry. */
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Health } from '../health.js';

export function consumerMetrics({ metrics }: Health) {
  const registers = [metrics];
  /** The metric of this name, which the process' first consumer has made. */
  const once = <M extends Counter | Gauge | Histogram>(name: string, create: () => M): M =>
    (metrics.getSingleMetric(name) as M | undefined) ?? create();
  const counter = (name: string, help: string) =>
    once(name, () => new Counter({ name, help, labelNames: ['group'], registers }));
  const gauge = (name: string, help: string, labelNames: string[]) =>
    once(name, () => new Gauge({ name, help, labelNames, registers }));
  return {
    handled: counter('aurora_stream_entries_total', 'Entries handled and acknowledged'),
    redelivered: counter('aurora_stream_redeliveries_total', 'Entries taken over from a consumer that stopped'),
    dead: counter('aurora_stream_dead_letters_total', 'Entries moved to the dead letters'),
    discarded: counter('aurora_stream_discarded_total', 'Entries of erased tenants that were not handled'),
    lost: counter('aurora_stream_trim_lost_total', 'Pending entries found trimmed away; must stay 0'),
    lag: gauge('aurora_stream_lag_entries', 'Entries that the group was not given yet, at the last sweep', [
      'stream',
      'group',
    ]),
    letters: gauge('aurora_dead_letters', 'Entries that wait for a person to replay them, at the last sweep', [
      'stream',
    ]),
    duration: once(
      'aurora_stream_handle_duration_seconds',
      () =>
        new Histogram({
          name: 'aurora_stream_handle_duration_seconds',
          help: 'One handled run of entries',
          labelNames: ['group'],
          registers,
        }),
    ),
  };
}
