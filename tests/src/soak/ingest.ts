/**
 * Accepted is stored: fifty thousand numbered events while ingest, workers and Redis are killed and Redis is wiped. Every
 * event whose batch got a 2xx is found exactly once, counted by the client's own numbers through the graph.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { flushRedis } from '../support/flush-redis.js';
import { countStored, postNumbers } from '../support/numbered-events.js';
import { between, type Random, seededRandom } from '../support/random.js';
import { type RunningSite, startTestSite } from '../support/site.js';
import { underFaults } from '../support/under-faults.js';

export interface IngestSoakOptions {
  readonly seed: number;
  /** @default 50 000 */
  readonly events?: number;
}

export interface IngestSoakOutcome {
  readonly name: 'ingest';
  readonly seed: number;
  readonly met: boolean;
  /** Accepted events that were found, of all accepted. */
  readonly passed: number;
  readonly total: number;
  readonly lost: number;
  readonly doubled: number;
  readonly unknown: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly seconds: number;
}

type Fault = 'kill ingest' | 'kill alerts' | 'kill redis' | 'flush redis';
const MAX_PAUSE_MS = 800;
const FAULTS: readonly Fault[] = ['kill ingest', 'kill alerts', 'kill redis', 'flush redis'];

export async function soakIngest({ seed, events = 50_000 }: IngestSoakOptions): Promise<IngestSoakOutcome> {
  const random = seededRandom(seed);
  const site = await startTestSite({ env: { INVESTIGATE_FROM_SEVERITY: 'OFF', LOG_LEVEL: 'warn' } });
  const began = Date.now();
  try {
    const faults: Record<string, number> = {};
    const { accepted, unknown } = await underFaults(
      [(isSent) => breakThings(site, random, faults, isSent)],
      ({ failed }) => sendAll(site, random, events, failed),
    );
    const { lost, doubled } = await countStored(site, accepted);
    const seconds = Math.round((Date.now() - began) / 1000);
    return {
      name: 'ingest',
      seed,
      met: lost === 0 && doubled === 0 && accepted.length > 0,
      passed: accepted.length - lost,
      total: accepted.length,
      lost,
      doubled,
      unknown,
      faults,
      seconds,
    };
  } finally {
    await site.stop();
  }
}

/** Each number is sent once; a request without a 2xx leaves its numbers unknown: they may be stored or not. */
async function sendAll(
  site: RunningSite,
  random: Random,
  events: number,
  failed: AbortSignal,
): Promise<{ accepted: number[]; unknown: number }> {
  const accepted: number[] = [];
  let unknown = 0;
  for (let next = 0; next < events; ) {
    failed.throwIfAborted();
    const numbers = Array.from(
      { length: Math.min(between(random, 1, 800), events - next) },
      (_, index) => next + index,
    );
    next += numbers.length;
    if (await postNumbers(site, numbers)) accepted.push(...numbers);
    else unknown += numbers.length;
    // Spread over a minute or so at full length: sent at once, most events would be stored before the first fault.
    await wait(between(random, 0, MAX_PAUSE_MS));
  }
  return { accepted, unknown };
}

/** @param faults - what happened is counted there. */
async function breakThings(
  site: RunningSite,
  random: Random,
  faults: Record<string, number>,
  signal: AbortSignal,
): Promise<void> {
  for (let n = 0; n < FAULTS.length || !signal.aborted; n++) {
    // Each kind comes at least once, then whichever the seed says.
    const fault = FAULTS[n < FAULTS.length ? n : between(random, 0, FAULTS.length - 1)] ?? 'kill ingest';
    await wait(between(random, 500, 2_000));
    await inject(site, fault);
    faults[fault] = (faults[fault] ?? 0) + 1;
  }
}

async function inject(site: RunningSite, fault: Fault): Promise<void> {
  switch (fault) {
    case 'kill ingest':
      return site.site.killRole('ingest', 'SIGKILL');
    case 'kill alerts':
      return site.site.killRole('alerts', 'SIGKILL');
    case 'kill redis':
      return site.site.killService('redis', 'SIGKILL');
    case 'flush redis':
      return flushRedis(site);
  }
}
