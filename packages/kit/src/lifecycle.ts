/**
 * One process, from start to exit: signals, draining, and the tie to the supervisor that started it.
 */
import { AuroraError, describeError } from './errors.js';
import type { Logger } from './log.js';

/** Things to stop at the end, in the reverse order of their start. */
export class Stopper {
  readonly #stops: { name: string; stop: () => unknown }[] = [];
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #current: string | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Aborts when stopping begins: for what a start waits for. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** The part that is being stopped right now. */
  get current(): string | undefined {
    return this.#current;
  }

  /** Registers what ends a started part; returns the part. */
  add<T>(name: string, part: T, stop: (part: T) => unknown): T {
    this.#stops.push({ name, stop: () => stop(part) });
    return part;
  }

  /** Stops everything once; a part that fails to stop is logged and does not keep the others alive. */
  stop(): Promise<void> {
    this.#stopping.abort();
    this.#running ??= this.#stopAll();
    return this.#running;
  }

  async #stopAll(): Promise<void> {
    for (const { name, stop } of this.#stops.reverse()) {
      this.#current = name;
      try {
        await stop();
      } catch (error) {
        this.#log.warn({ part: name, error: describeError(error) }, 'A part failed to stop');
      }
    }
  }
}

export interface RunOptions {
  readonly log: Logger;
  /** End when standard input closes: the pipe's other end is the supervisor's, so its death is seen even after SIGKILL. */
  readonly isSupervised: boolean;
  /** Milliseconds that draining may take before the process ends anyway. @default 20 000 */
  readonly drainMs?: number;
}

/** A supervisor that died leaves its children this long: less than the 5 s within which they must be gone. */
const ORPHAN_DRAIN_MS = 3_000;

/**
 * Runs a process: starts its parts, waits for SIGTERM, SIGINT or the supervisor's end, drains, exits.
 * A second signal exits at once, which is safe because nothing unacknowledged is lost.
 *
 * @param start - builds all parts, registering each with the stopper, and gives up waiting when the stopper's signal aborts. A throw
 *   ends the process with code 1 and one clear line, unless it is ending already.
 */
export async function runProcess(options: RunOptions, start: (stopper: Stopper) => Promise<void>): Promise<void> {
  const { log } = options;
  const stopper = new Stopper(log);
  let isStopping = false;

  const end = async (reason: string, drainMs: number, exitCode: number): Promise<void> => {
    if (isStopping) process.exit(exitCode === 0 ? 130 : exitCode);
    isStopping = true;
    log.info({ reason }, 'Draining');
    setTimeout(() => {
      log.warn({ drainMs, part: stopper.current }, 'Draining took too long');
      process.exit(1);
    }, drainMs).unref();
    await stopper.stop();
    process.exit(exitCode);
  };

  const drainMs = options.drainMs ?? 20_000;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void end(signal, drainMs, 0));
  process.on('uncaughtException', (error) => {
    log.fatal({ error: error.stack }, 'Uncaught exception');
    void end('uncaught exception', ORPHAN_DRAIN_MS, 1);
  });
  process.on('unhandledRejection', (error) => {
    log.fatal({ error: error instanceof Error ? error.stack : String(error) }, 'Unhandled rejection');
    void end('unhandled rejection', ORPHAN_DRAIN_MS, 1);
  });
  if (options.isSupervised) {
    process.stdin.resume();
    process.stdin.on('end', () => void end('the supervisor is gone', ORPHAN_DRAIN_MS, 0));
    process.stdin.on('error', () => void end('the supervisor is gone', ORPHAN_DRAIN_MS, 0));
  }

  try {
    await start(stopper);
  } catch (error) {
    // The start lost what it needs, or gave up, because the process ends: `end` has said why, and has the last word.
    if (isStopping) return log.debug({ error: describeError(error) }, 'Start was broken off');
    const known = error instanceof AuroraError;
    log.fatal(
      {
        error: known ? error.publicMessage : error instanceof Error ? error.stack : String(error),
        code: known ? error.code : undefined,
      },
      'Start failed',
    );
    await stopper.stop();
    process.exit(1);
  }
}

/** Resolves after `ms`, or at once when the signal aborts. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** Milliseconds to wait before retry number `attempt` (0-based): exponential with full jitter, so that replicas spread. */
export function backoffMs(attempt: number, baseMs = 50, maxMs = 5_000): number {
  return Math.random() * Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 20));
}
