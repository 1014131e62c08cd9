/**
 * One role as a child process: started, watched, started again when it dies or hangs, stopped.
 *
 * The child runs in a session of its own, so Ctrl-C in a terminal reaches the supervisor alone, which ends things in order.
 * It holds the other end of a pipe on its standard input; the kernel closes that however the supervisor ends.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { AuroraError, describeError } from '@aurorasoc/kit/errors';
import { sleep } from '@aurorasoc/kit/lifecycle';
import { isReady } from '../health/probe.js';
import type { RoleState } from '../home/site-state.js';
import { closeLog, openLogOrNone, readLogTail, type ServiceLog } from '../services/data-folder/service-log.js';
import { throwIfInterrupted } from '../services/interruption.js';
import { type ProcessIdentity, readProcessIdentity } from '../services/process/process-identity.js';
import { RunRecordFile } from '../services/process/run-records.js';
import { waitUntilHung } from './liveness.js';
import { RestartDelay } from './restart-delay.js';
import { summarizeLog } from './summarize-log.js';

export interface RoleProcessOptions {
  readonly name: string;
  /** Arguments for Node. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly port: number;
  readonly healthUrl: string;
  readonly logPath: string;
  readonly runDir: string;
  /** A role that was ready and then answers nothing for so long is killed, and started again. */
  readonly hangMs: number;
  readonly log: (line: string) => void;
  /** Called after each change of {@link RoleProcess.state}; must not throw. */
  readonly onChange: () => void;
}

interface RunningRole {
  readonly child: ChildProcess;
  readonly identity: ProcessIdentity;
  readonly exited: Promise<string>;
  readonly log: ServiceLog;
  /** Ends the watch that it has from its readiness on. */
  watch: AbortController | undefined;
  /** How it ended; undefined while it runs. */
  exit: string | undefined;
}

const PROBE_EVERY_MS = 50;
/** Roles give themselves 20 s to drain. */
const STOP_GRACE_MS = 25_000;

export class RoleProcess {
  #running: RunningRole | undefined;
  /** True from its first readiness to its stop: an end in between is made good. */
  #isKept = false;
  readonly #restartDelay = new RestartDelay();
  #restartTimer: NodeJS.Timeout | undefined;
  readonly #record: RunRecordFile;
  #state: RoleState;
  #last: Promise<void> = Promise.resolve();

  constructor(private readonly options: RoleProcessOptions) {
    const { port, healthUrl, runDir, name, log } = options;
    this.#record = new RunRecordFile(runDir, name, log);
    this.#state = { state: 'stopped', port, healthUrl, since: new Date().toISOString(), restarts: 0 };
  }

  get name(): string {
    return this.options.name;
  }

  get state(): RoleState {
    return this.#state;
  }

  get pid(): number | undefined {
    return this.#running?.identity.pid;
  }

  /**
   * Starts it unless it runs, and resolves when it is ready.
   * @throws AuroraError `ROLE_NOT_READY` with the end of its log when it ends first or needs longer than `timeoutMs`; it is
   *   stopped then. `INTERRUPTED` when the signal aborts.
   */
  start(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    return this.#inOrder(async () => {
      clearTimeout(this.#restartTimer);
      const running = this.#running ?? this.#spawn();
      try {
        await this.#waitUntilReady(running, timeoutMs, signal);
        this.#isKept = true;
        void this.#watch(running);
      } catch (error) {
        this.#isKept = false; // it may have been, if it was being restarted
        await this.#end(running);
        throw error;
      }
    });
  }

  /** Has it drain and resolves when it is gone; killed when it takes too long. */
  stop(): Promise<void> {
    return this.#inOrder(async () => {
      this.#isKept = false;
      clearTimeout(this.#restartTimer);
      this.#running?.watch?.abort();
      if (this.#running !== undefined) await this.#end(this.#running);
      this.#enter('stopped');
    });
  }

  /** Signals it as a fault would: its end counts as unexpected. */
  kill(signal: NodeJS.Signals): void {
    this.#running?.child.kill(signal);
  }

  #spawn(): RunningRole {
    const { args, env, logPath } = this.options;
    const log = openLogOrNone(logPath, this.options.log);
    let child: ChildProcess;
    try {
      child = spawn(process.execPath, args, { env: { ...env }, detached: true, stdio: ['pipe', log.fd, log.fd] });
    } finally {
      closeLog(log);
    }
    child.stdin?.on('error', () => undefined); // it ended; its exit tells
    const pid = child.pid ?? 0;
    // One that is gone already never matches the record.
    const identity = readProcessIdentity(pid) ?? { pid, startTime: 'ended' };
    const running: RunningRole = {
      child,
      identity,
      log,
      watch: undefined,
      exit: undefined,
      exited: waitForExit(child),
    };
    this.#record.write({ guard: identity, service: identity, stopSignal: 'SIGTERM' });
    this.#running = running;
    this.#enter('starting');
    void running.exited.then((exit) => this.#noteExit(running, exit));
    return running;
  }

  #noteExit(running: RunningRole, exit: string): void {
    running.exit = exit;
    running.watch?.abort();
    this.#running = undefined;
    this.#record.remove();
    if (this.#isKept) this.#restartSoon(`ended unexpectedly (${exit})`);
    else this.#enter('stopped');
  }

  #restartSoon(what: string): void {
    const waitMs = this.#restartDelay.next();
    this.options.log(`${this.name} ${what}; starting it again in ${waitMs / 1000} s`);
    this.#restartTimer = setTimeout(() => this.#restart(), waitMs);
    this.#enter('restarting');
  }

  /** Without a deadline: a dependency may be away for long, and readiness comes with it. */
  #restart(): void {
    this.#state = { ...this.#state, restarts: this.#state.restarts + 1 };
    let running: RunningRole;
    try {
      running = this.#spawn();
    } catch (error) {
      // Nobody waits for a timer: a machine out of memory or descriptors would otherwise end the whole site here.
      this.#restartSoon(`could not be started (${describeError(error)})`);
      return;
    }
    this.#waitUntilReady(running, Number.POSITIVE_INFINITY)
      .then(() => this.#watch(running))
      .catch(() => undefined); // its exit restarts it once more
  }

  /** From its readiness to its end, or until it is asked to stop. A role that hangs takes no other signal. */
  async #watch(running: RunningRole): Promise<void> {
    const { name, healthUrl, hangMs, log } = this.options;
    if (running.watch || running.exit !== undefined) return;
    running.watch = new AbortController();
    if (!(await waitUntilHung({ healthUrl, hangMs, signal: running.watch.signal }))) return;
    log(`${name} has not answered for ${hangMs / 1000} s; killing it`);
    running.child.kill('SIGKILL');
  }

  async #waitUntilReady(running: RunningRole, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const { healthUrl, port } = this.options;
    const deadline = performance.now() + timeoutMs;
    while (!(await isReady(healthUrl, port))) {
      throwIfInterrupted(signal);
      if (running.exit !== undefined) throw this.#notReady(running, `ended with ${running.exit} before it was ready`);
      if (performance.now() > deadline)
        throw this.#notReady(running, `is not ready after ${Math.round(timeoutMs / 1000)} s`);
      await sleep(PROBE_EVERY_MS);
    }
    if (this.#running === running) this.#enter('running');
  }

  #notReady(running: RunningRole, what: string): AuroraError {
    const said = summarizeLog(readLogTail(running.log));
    return new AuroraError({
      code: 'ROLE_NOT_READY',
      publicMessage: `${this.name} ${what}${said === undefined ? '' : `: ${said}`} (log: ${running.log.path})`,
    });
  }

  async #end(running: RunningRole): Promise<void> {
    running.child.kill('SIGTERM');
    running.child.kill('SIGCONT'); // a stopped process gets the other signal only once it goes on
    const killTimer = setTimeout(() => running.child.kill('SIGKILL'), STOP_GRACE_MS);
    await running.exited;
    clearTimeout(killTimer);
  }

  #enter(state: RoleState['state']): void {
    const { process: _, ...before } = this.#state;
    const since = before.state === state ? before.since : new Date().toISOString();
    const identity = this.#running?.identity;
    this.#state = { ...before, state, since, ...(identity === undefined ? {} : { process: identity }) };
    this.options.onChange();
  }

  /** Starts and stops happen one after the other, in the order in which they were asked for. */
  #inOrder(work: () => Promise<void>): Promise<void> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

async function waitForExit(child: ChildProcess): Promise<string> {
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return code === null ? (signal ?? 'a signal') : `code ${code}`;
  } catch (error) {
    return `an error: ${error instanceof Error ? error.message : String(error)}`; // it could not be started at all
  }
}
