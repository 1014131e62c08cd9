/** Finds out that a process hangs: it runs, and answers nobody. */
import { sleep } from '@aurorasoc/kit/lifecycle';
import { answersHealth } from '../health/probe.js';

export interface LivenessOptions {
  readonly healthUrl: string;
  /** How long no question in a row may be answered. */
  readonly hangMs: number;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

const LONGEST_PAUSE_MS = 2_000;
/** A tick that is later than it can be by this much tells of a machine, or of a supervisor, that did not run itself. */
const SUSPENDED_AFTER_MS = 5_000;

/**
 * Asks again and again, and resolves with true once nothing has been answered for `hangMs`, with false when the watch ended
 * before. Time in which this process did not run does not count: a machine that slept has kept everybody from answering.
 */
export async function waitUntilHung({ healthUrl, hangMs, signal }: LivenessOptions): Promise<boolean> {
  const pauseMs = Math.min(LONGEST_PAUSE_MS, hangMs / 5);
  const patienceMs = Math.min(LONGEST_PAUSE_MS, hangMs / 2);
  let tickedAtMs = performance.now();
  let answeredAtMs = tickedAtMs;
  while (!signal.aborted) {
    await sleep(pauseMs, signal);
    const hasAnswered = await answersHealth(healthUrl, AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]));
    const nowMs = performance.now();
    const wasSuspended = nowMs - tickedAtMs > pauseMs + patienceMs + SUSPENDED_AFTER_MS;
    if (hasAnswered || wasSuspended) answeredAtMs = nowMs;
    tickedAtMs = nowMs;
    if (nowMs - answeredAtMs >= hangMs) return !signal.aborted;
  }
  return false;
}
