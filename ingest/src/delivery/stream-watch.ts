/**
 * Notices that Redis has lost what was written to it: it was restarted (perhaps without its last second), an empty or older
 * replica took over, or somebody wiped it. The first two show as another `run_id`, the last as a missing marker key.
 */
import { describeError, TransientError } from '@aurorasoc/kit/errors';
import type { Health } from '@aurorasoc/kit/health';
import { sleep } from '@aurorasoc/kit/lifecycle';
import type { Logger } from '@aurorasoc/kit/log';
import { type Redis, whenReady } from '@aurorasoc/kit/streams';
import { answerWithin } from './answer-within.js';

export interface StreamWatchOptions {
  readonly redis: Redis;
  /** Names the marker key: different for each ingest process that is alive, the same over its restarts. */
  readonly instanceId: string;
  readonly onLost: (reason: 'redis_restarted' | 'redis_wiped') => void;
  readonly health: Health;
  readonly log: Logger;
  /** Milliseconds between two looks. @default 1 000 */
  readonly intervalMs?: number;
}

const ANSWER_MS = 3_000;
const READY_WAIT_MS = 200;

export class StreamWatch {
  /** Resolves when the marker is set: what is sent from then on is missed when it gets lost. */
  readonly watching: Promise<void>;
  #isWatching: () => void = () => undefined;
  readonly #abort = new AbortController();
  #running: Promise<void> | undefined;
  #runId: string | undefined;
  #isAway: boolean | undefined;
  /** The process has seen its marker in this Redis, so a missing one means a wipe. */
  #isMarked = false;

  constructor(private readonly options: StreamWatchOptions) {
    this.watching = new Promise((resolve) => {
      this.#isWatching = resolve;
    });
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { redis, health, intervalMs = 1_000 } = this.options;
    while (!this.#abort.signal.aborted) {
      try {
        if (!(await whenReady(redis, READY_WAIT_MS))) throw new TransientError('Redis is away');
        await this.#look();
        this.#isWatching();
        health.set('redis', 'up');
        this.#note(undefined);
      } catch (error) {
        health.set('redis', 'degraded', describeError(error));
        this.#note(describeError(error));
      }
      await sleep(intervalMs, this.#abort.signal);
    }
  }

  /** One line when Redis goes and one when it is back, not one per look. */
  #note(problem: string | undefined): void {
    const isAway = problem !== undefined;
    if (isAway === this.#isAway || this.#abort.signal.aborted) return;
    this.#isAway = isAway;
    if (isAway) this.options.log.warn({ error: problem }, 'Redis is away; batches wait in the spool');
    else this.options.log.info('Redis is there; batches are published');
  }

  async #look(): Promise<void> {
    const { redis, instanceId, log, onLost } = this.options;
    const key = `aurora:ingest:marker:${instanceId}`;
    const [info, marker] = await answerWithin(redis, ANSWER_MS, Promise.all([redis.info('server'), redis.get(key)]));
    const runId = /^run_id:(\w+)/m.exec(info)?.[1];
    const isRestarted = this.#runId !== undefined && runId !== this.#runId;
    const isWiped = this.#isMarked && marker === null;
    // The marker first: a wipe that comes after it is seen by the next look.
    if (marker === null) await answerWithin(redis, ANSWER_MS, redis.set(key, new Date().toISOString()));
    this.#runId = runId;
    this.#isMarked = true;
    if (!isRestarted && !isWiped) return;
    const reason = isRestarted ? 'redis_restarted' : 'redis_wiped';
    log.warn({ reason }, 'Redis may have lost entries; sending unacknowledged batches again');
    onLost(reason);
  }
}
