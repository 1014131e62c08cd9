import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DataFolder } from './data-folder/open-data-folder.js';
import { isPortFree, keepPort } from './data-folder/ports.js';
import { closeLog, openLog, readLogTail } from './data-folder/service-log.js';
import { throwIfInterrupted } from './interruption.js';
import type { PreparedService, ServiceName } from './prepared-service.js';
import { type GuardedProcess, type ServiceExit, startGuarded } from './process/guarded-process.js';
import { RunRecordFile } from './process/run-records.js';
import { ServiceError } from './service-error.js';

/** Orderly stops may take longer than an orphan's end: PostgreSQL writes a checkpoint. */
const STOP_GRACE_MS = 20_000;
/** Recovery after a crash and reading a long append-only file count into it. */
const READY_TIMEOUT_MS = 120_000;
const PROBE_EVERY_MS = 30;
/** A service that does not get its port ends by itself; PostgreSQL tries every address first. */
const END_AFTER_REFUSAL_MS = 2_000;
const START_TIMEOUT_MS = 5_000;
const RETRY_EVERY_MS = 100;

const ADDRESS_IN_USE = /address already in use/i;

export interface ServicePids {
  readonly guard: number;
  readonly service: number;
}

export interface ManagedServiceOptions {
  readonly folder: DataFolder;
  readonly log: (line: string) => void;
  /** The service ended without having been stopped. `code` is null when a signal ended it. */
  readonly onExit: (name: ServiceName, code: number | null) => void;
  /** Interrupts the first start. */
  readonly signal?: AbortSignal | undefined;
}

/** One service that can be started and stopped again and again on the same port and data. */
export interface ManagedService {
  readonly name: ServiceName;
  readonly port: number;
  readonly url: string;
  /** Undefined while it does not run. */
  readonly pids: ServicePids | undefined;
  /** @throws ServiceError `PORT_TAKEN`, `SERVICE_DIED`, `SERVICE_NOT_READY`; AuroraError `INTERRUPTED` */
  start(signal?: AbortSignal): Promise<void>;
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

/** Either a service that serves, or the last log lines of one that ended before it did. */
type StartOutcome =
  | { readonly running: GuardedProcess }
  | { readonly exit: ServiceExit; readonly lastLines: readonly string[] };

/** Starts a prepared service for the first time, on the port it had before if that is free. */
export async function launchService(
  prepared: PreparedService,
  options: ManagedServiceOptions,
): Promise<ManagedService> {
  const { name } = prepared;
  const { folder, log, onExit, signal } = options;
  const record = new RunRecordFile(folder.runDir, name, log);
  let running: GuardedProcess | undefined;
  let isStopping = false;

  const adopt = (started: GuardedProcess) => {
    running = started;
    void started.exited.then(({ code, signal }) => {
      running = undefined;
      record.remove();
      if (isStopping) return;
      log(
        `${name} ended unexpectedly (${code === null ? (signal ?? 'by a signal') : `code ${code}`}); its log is ${logPath(folder, name)}`,
      );
      onExit(name, code);
    });
  };
  const chooseFirstPort = () => keepPort(folder.portsFile, name, log);
  const first = await startOnPort(prepared, folder, record, chooseFirstPort, { mayMove: true, signal });
  adopt(first.running);

  // Starts and stops of one service happen one after the other, in the order in which they were asked for.
  let last: Promise<void> = Promise.resolve();
  const inOrder = (work: () => Promise<void>) => {
    last = last.then(work, work);
    return last;
  };
  return {
    name,
    port: first.port,
    url: prepared.url(first.port),
    get pids() {
      return running && { guard: running.guard.pid, service: running.service.pid };
    },
    start: (interrupt) =>
      inOrder(async () => {
        if (running !== undefined) return;
        isStopping = false;
        const again = () => checkPort(name, first.port);
        adopt((await startOnPort(prepared, folder, record, again, { mayMove: false, signal: interrupt })).running);
      }),
    stop: () =>
      inOrder(async () => {
        isStopping = true;
        await running?.stop(STOP_GRACE_MS);
      }),
    kill: (signal) => running?.kill(signal),
  };
}

async function startOnPort(
  prepared: PreparedService,
  folder: DataFolder,
  record: RunRecordFile,
  choosePort: () => Promise<number>,
  { mayMove, signal }: { mayMove: boolean; signal: AbortSignal | undefined },
): Promise<{ running: GuardedProcess; port: number }> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    throwIfInterrupted(signal);
    const port = await choosePort();
    const outcome = await startOnce(prepared, folder, record, port, signal);
    if ('running' in outcome) return { running: outcome.running, port };
    const said = outcome.lastLines.join('\n');
    // Between our look at the port and the service's bind, another program took it.
    const lostPort = ADDRESS_IN_USE.test(said);
    const canPass = (lostPort && mayMove) || (await prepared.clearWay(said));
    if (!canPass || performance.now() > deadline)
      throw lostPort ? portTaken(prepared.name, port) : serviceDied(prepared.name, outcome, folder);
    await delay(RETRY_EVERY_MS);
  }
}

async function startOnce(
  prepared: PreparedService,
  folder: DataFolder,
  record: RunRecordFile,
  port: number,
  signal: AbortSignal | undefined,
): Promise<StartOutcome> {
  const { name } = prepared;
  const command = prepared.configure(port);
  const serviceLog = openLog(logPath(folder, name));
  let started: GuardedProcess;
  try {
    started = await startGuarded(name, command, serviceLog.fd);
  } finally {
    closeLog(serviceLog);
  }
  record.write({ guard: started.guard, service: started.service, stopSignal: command.stopSignal });
  try {
    const exit = await waitUntilReady(prepared, port, started.exited, signal);
    if (exit === undefined) return { running: started };
    record.remove();
    return { exit, lastLines: readLogTail(serviceLog) };
  } catch (error) {
    await started.stop(STOP_GRACE_MS);
    record.remove();
    throw error;
  }
}

/** @returns undefined when the service serves, its exit when it ended first. @throws AuroraError `INTERRUPTED` */
async function waitUntilReady(
  prepared: PreparedService,
  port: number,
  exited: Promise<ServiceExit>,
  signal: AbortSignal | undefined,
): Promise<ServiceExit | undefined> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  let exit: ServiceExit | undefined;
  void exited.then((value) => {
    exit = value;
  });
  for (;;) {
    const isReady = await prepared.isReady(port).catch(async (error: unknown) => {
      // A foreign server of the same kind may have got the port just before ours, and it is that one which refuses us.
      await Promise.race([exited, delay(END_AFTER_REFUSAL_MS)]);
      if (exit === undefined) throw error;
    });
    if (exit !== undefined || isReady) return exit;
    throwIfInterrupted(signal);
    if (performance.now() > deadline) {
      throw new ServiceError(
        'SERVICE_NOT_READY',
        `${prepared.name} runs but has not accepted a connection on port ${port} for ${READY_TIMEOUT_MS / 1000} s`,
      );
    }
    await Promise.race([exited, delay(PROBE_EVERY_MS)]);
  }
}

async function checkPort(name: ServiceName, port: number): Promise<number> {
  if (await isPortFree(port)) return port;
  throw portTaken(name, port);
}

function portTaken(name: ServiceName, port: number): ServiceError {
  return new ServiceError(
    'PORT_TAKEN',
    `Port ${port} of ${name} was taken by another program: end that, or start AuroraSOC anew, which chooses another port`,
  );
}

function serviceDied(
  name: ServiceName,
  { exit, lastLines }: { exit: ServiceExit; lastLines: readonly string[] },
  folder: DataFolder,
): ServiceError {
  const how = exit.code === null ? `by ${exit.signal ?? 'a signal'}` : `with code ${exit.code}`;
  return new ServiceError(
    'SERVICE_DIED',
    [`${name} ended ${how} at its start; its log ${logPath(folder, name)} closes with:`, ...lastLines].join('\n  '),
  );
}

function logPath(folder: DataFolder, name: ServiceName): string {
  return join(folder.logsDir, `${name}.log`);
}
