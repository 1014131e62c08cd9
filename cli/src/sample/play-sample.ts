/** Sends a scenario through ingest, as a shipper on the attacked machine would. */
import { sleep } from '@aurorasoc/kit/lifecycle';
import { type PostEventsOptions, postEvents } from '../sending/post-events.js';
import { makePlayId, renderEvent, type ScenarioStep } from './scenario.js';

export interface PlayOptions extends PostEventsOptions {
  /** Sends everything at once, with moments as far apart as they would have been, the last of them now. */
  readonly isFast?: boolean;
}

/** Long scenarios are sped up to this, so that watching one takes no patience. */
const LONGEST_MS = 20_000;

type Render = (step: ScenarioStep, moment: Date) => string;

/** @returns how many events ingest accepted; fewer than there are when the signal aborts. */
export async function playSample(
  steps: readonly ScenarioStep[],
  options: PlayOptions,
): Promise<{ readonly accepted: number }> {
  const playId = makePlayId();
  const render: Render = (step, moment) => renderEvent(step, moment, playId);
  return options.isFast ? sendAtOnce(steps, render, options) : sendInTime(steps, render, options);
}

async function sendAtOnce(
  steps: readonly ScenarioStep[],
  render: Render,
  options: PlayOptions,
): Promise<{ accepted: number }> {
  let momentMs = Date.now() - totalMs(steps);
  const lines = steps.map((step) => {
    momentMs += step.delayMs;
    return render(step, new Date(momentMs));
  });
  return postEvents({ contentType: 'application/x-ndjson', body: Buffer.from(lines.join('\n')) }, options);
}

async function sendInTime(
  steps: readonly ScenarioStep[],
  render: Render,
  options: PlayOptions,
): Promise<{ accepted: number }> {
  const pace = Math.min(1, LONGEST_MS / Math.max(1, totalMs(steps)));
  let accepted = 0;
  for (const step of steps) {
    await sleep(step.delayMs * pace, options.signal);
    if (options.signal?.aborted) break;
    const body = Buffer.from(render(step, new Date()));
    accepted += (await postEvents({ contentType: 'application/x-ndjson', body }, options)).accepted;
  }
  return { accepted };
}

function totalMs(steps: readonly ScenarioStep[]): number {
  return steps.reduce((sum, { delayMs }) => sum + delayMs, 0);
}
