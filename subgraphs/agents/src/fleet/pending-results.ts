/**
 * Futures of delegated tasks. Every replica of the fleet reads the whole stream of results by plain XREAD, without a group, and
 * finds its own by the task's id. The stream only makes it quick: the truth is the task's row, which is asked as well, so that
 * a gap in the stream costs a few seconds and nothing else.
 */
import { describeError, isConnectionError, TransientError } from '@aurorasoc/kit/errors';
import { readBody, readData } from '@aurorasoc/kit/events';
import type { Health } from '@aurorasoc/kit/health';
import { sleep } from '@aurorasoc/kit/lifecycle';
import type { Logger } from '@aurorasoc/kit/log';
import { parseEntry, type RawEntry, type Redis, whenReady } from '@aurorasoc/kit/streams';
import { agentsEvents, RESULT_STREAM } from '../events.js';
import type { TaskMetrics } from '../task/task-metrics.js';
import type { DelegatedTask } from './tools/graph-tools.js';

export interface PendingResultsOptions {
  /** A connection of its own: the reader blocks on it. */
  readonly reader: Redis;
  readonly metrics: TaskMetrics;
  readonly health: Health;
  readonly log: Logger;
  /** How often a waiting future asks for its row, milliseconds. @default 3 000 */
  readonly pollMs?: number;
}

const BLOCK_MS = 1_000;
const TERMINAL = new Set(['COMPLETED', 'FAILED', 'CANCELLED']);

export class PendingResults {
  readonly #abort = new AbortController();
  readonly #waiting = new Map<string, Set<() => void>>();
  #running: Promise<void> | undefined;
  #position: string | undefined;

  constructor(private readonly options: PendingResultsOptions) {}

  start(): void {
    this.#running = this.#read();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    // Ends the blocking read at once.
    this.options.reader.disconnect();
    await this.#running;
  }

  /**
   * The task once it has ended. A graph that cannot be asked is asked again until the signal ends it: the task goes on meanwhile.
   * @param readTask - asks for the row.
   * @throws the signal's reason; what `readTask` throws, unless it is a lost connection.
   */
  async wait(
    taskId: string,
    readTask: () => Promise<DelegatedTask | undefined>,
    signal: AbortSignal,
  ): Promise<DelegatedTask> {
    const { metrics, pollMs = 3_000 } = this.options;
    metrics.pendingFutures.inc();
    try {
      for (;;) {
        // Listening begins before the row is asked: what is told in between is not missed.
        const told = this.#listen(taskId);
        try {
          const task = await this.#readIfPossible(readTask, signal);
          if (task && TERMINAL.has(task.status)) return task;
          await sleep(pollMs, AbortSignal.any([told.signal, signal]));
          signal.throwIfAborted();
        } finally {
          told.end();
        }
      }
    } finally {
      metrics.pendingFutures.dec();
    }
  }

  async #readIfPossible(
    readTask: () => Promise<DelegatedTask | undefined>,
    signal: AbortSignal,
  ): Promise<DelegatedTask | undefined> {
    try {
      return await readTask();
    } catch (error) {
      if (signal.aborted || !isConnectionError(error)) throw error;
      this.options.log.debug({ error: describeError(error) }, 'A delegated task cannot be asked for');
      return undefined;
    }
  }

  #listen(taskId: string): { signal: AbortSignal; end: () => void } {
    const told = new AbortController();
    const listeners = this.#waiting.get(taskId) ?? new Set();
    const listener = (): void => told.abort();
    this.#waiting.set(taskId, listeners.add(listener));
    const end = (): void => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#waiting.delete(taskId);
    };
    return { signal: told.signal, end };
  }

  async #read(): Promise<void> {
    const { reader, health, log } = this.options;
    while (!this.#abort.signal.aborted) {
      try {
        this.#position ??= await this.#takePosition();
        const reply = (await reader.xread('COUNT', 500, 'BLOCK', BLOCK_MS, 'STREAMS', RESULT_STREAM, this.#position)) as
          | [string, RawEntry[]][]
          | null;
        health.set('results', 'up');
        for (const raw of reply?.[0]?.[1] ?? []) this.#tell(raw);
      } catch (error) {
        if (this.#abort.signal.aborted) return;
        health.set('results', 'degraded', `asking for each task every few seconds: ${describeError(error)}`);
        log.debug({ error: describeError(error) }, 'Results cannot be read from the stream');
        // A stream that was wiped begins anew, perhaps below the position.
        this.#position = undefined;
        await sleep(BLOCK_MS, this.#abort.signal);
      }
    }
  }

  /** What was told before is not seen on the stream: everybody who waits looks at the row instead. */
  async #takePosition(): Promise<string> {
    const { reader } = this.options;
    if (!(await whenReady(reader, BLOCK_MS))) throw new TransientError('Redis cannot be reached');
    const position = await lastEntryId(reader);
    for (const listeners of this.#waiting.values()) for (const listener of listeners) listener();
    return position;
  }

  #tell(raw: RawEntry): void {
    const { metrics, log } = this.options;
    const entry = parseEntry(RESULT_STREAM, raw);
    this.#position = entry.entryId;
    const taskId = entry.fields.get('subject') ?? '';
    const listeners = this.#waiting.get(taskId);
    // Another replica's, or nobody waits for it any more.
    if (!listeners) return;
    try {
      const event = { id: entry.messageId, type: 'task.completed', body: entry.fields.get('body') ?? '' };
      const { agent, status } = readData(event, agentsEvents['task.completed']);
      metrics.correlationLatency.observe(
        { agent, outcome: status.toLowerCase() },
        Math.max(0, Date.now() - Date.parse(readBody(event).time)),
      );
    } catch (error) {
      // The future asks for the row in any case.
      metrics.unmatchedResults.inc();
      log.warn({ taskId, error: describeError(error) }, 'A result on the stream cannot be read');
    }
    for (const listener of listeners) listener();
  }
}

async function lastEntryId(reader: Redis): Promise<string> {
  const [newest] = (await reader.xrevrange(RESULT_STREAM, '+', '-', 'COUNT', 1)) as RawEntry[];
  return newest?.[0] ?? '0-0';
}
