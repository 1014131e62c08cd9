/** The metrics of the task path. Names and units (milliseconds) are a contract older than the rule to use base units. */
import type { Health } from '@aurorasoc/kit/health';
import { Counter, Gauge, Histogram } from 'prom-client';

const MILLISECONDS = [1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 240_000];

export type TaskMetrics = ReturnType<typeof createTaskMetrics>;

/** Registered once per process, in the task worker and in the fleet. */
export function createTaskMetrics({ metrics }: Health) {
  const registers = [metrics];
  const labelNames = ['agent', 'outcome'] as const;
  return {
    taskDuration: new Histogram({
      name: 'aurora_agent_task_worker_task_duration_ms',
      help: "From a task's claim to its outcome",
      labelNames,
      buckets: MILLISECONDS,
      registers,
    }),
    correlationLatency: new Histogram({
      name: 'aurora_agent_result_correlation_latency_ms',
      help: "From a task's outcome to the future that waited for it",
      labelNames,
      buckets: MILLISECONDS,
      registers,
    }),
    pendingFutures: new Gauge({
      name: 'aurora_agent_result_futures_pending',
      help: 'Futures that wait for the outcome of a task',
      registers,
    }),
    unmatchedResults: new Counter({
      name: 'aurora_agent_results_unmatched_total',
      help: 'Steps and outcomes that came too late: the task had another holder, or had ended',
      registers,
    }),
    droppedClaims: new Counter({
      name: 'aurora_agent_claims_dropped_total',
      help: 'Claims of verdicts whose citations did not resolve',
      registers,
    }),
    outputsInvalid: new Counter({
      name: 'aurora_agent_outputs_invalid_total',
      help: 'Answers of agents that did not fit their schema',
      labelNames: ['agent'],
      registers,
    }),
  };
}
