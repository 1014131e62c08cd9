/**
 * `run/<name>.json`: which processes serve a data folder. Written when a service has started, removed when it has ended;
 * what is found at the next start was left behind by a killed supervisor whose guard was killed, too.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { BestEffort } from '../data-folder/best-effort.js';
import { writeFileAtomically } from '../data-folder/write-file-atomically.js';
import { isAbsent, ServiceError } from '../service-error.js';
import { endProcess } from './end-process.js';
import { isAlive, type ProcessIdentity, processIdentitySchema } from './process-identity.js';

const runRecordSchema = z.object({
  guard: processIdentitySchema,
  service: processIdentitySchema,
  stopSignal: z.enum(['SIGINT', 'SIGTERM']),
});
export type RunRecord = z.output<typeof runRecordSchema>;

const LEFTOVER_GRACE_MS = 5_000;
const SUFFIX = '.json';

/**
 * The record of one process that is started again and again. Only what a killed supervisor and a killed guard leave behind
 * needs it, so a disk that does not take it keeps nothing from running: no method throws.
 */
export class RunRecordFile {
  readonly #path: string;
  readonly #effort: BestEffort;

  constructor(runDir: string, name: string, log: (line: string) => void) {
    this.#path = join(runDir, `${name}${SUFFIX}`);
    this.#effort = new BestEffort(this.#path, log);
  }

  write(record: RunRecord): void {
    this.#effort.keep(() => writeFileAtomically(this.#path, JSON.stringify(record)));
  }

  remove(): void {
    this.#effort.leave();
    try {
      rmSync(this.#path, { force: true });
    } catch {
      // One that stays names a process that is gone, and matches no other.
    }
  }
}

/** Every live process that the data folder has a record of. */
export function findRecordedProcesses(runDir: string): readonly ProcessIdentity[] {
  return readRunRecords(runDir)
    .flatMap(({ record }) => (record === undefined ? [] : [record.guard, record.service]))
    .filter(isAlive);
}

/**
 * Ends what earlier starts left running. Only a process with both the recorded pid and the recorded start time is touched.
 * The caller holds the data folder's lock, so nothing recorded here can belong to a live supervisor.
 *
 * @throws ServiceError `DATA_DIR_UNUSABLE` when a leftover does not end; starting beside it would destroy its data.
 */
export async function endLeftovers(runDir: string, log: (line: string) => void): Promise<void> {
  for (const { name, file, record } of readRunRecords(runDir)) {
    if (record !== undefined) await endLeftover(name, record, log);
    rmSync(file, { force: true });
  }
}

async function endLeftover(name: string, record: RunRecord, log: (line: string) => void): Promise<void> {
  const { guard, service, stopSignal } = record;
  if (isAlive(guard) || isAlive(service)) log(`Ending ${name} left over from an earlier run (process ${service.pid})`);
  // The service first: its guard sees it end and goes by itself.
  const ended =
    (await endProcess(service, stopSignal, LEFTOVER_GRACE_MS)) &&
    (await endProcess(guard, 'SIGTERM', LEFTOVER_GRACE_MS));
  if (!ended) {
    throw new ServiceError(
      'DATA_DIR_UNUSABLE',
      `Process ${service.pid}, ${name} of an earlier run, does not end; end it by hand and start again`,
    );
  }
}

interface FoundRecord {
  readonly name: string;
  readonly file: string;
  readonly record: RunRecord | undefined;
}

/** None in a folder that is not there yet. */
function readRunRecords(runDir: string): readonly FoundRecord[] {
  return listFiles(runDir)
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => {
      const file = join(runDir, name);
      return { name: name.slice(0, -SUFFIX.length), file, record: readRunRecord(file) };
    });
}

function listFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/** @returns undefined for a record that is no record: a torn or foreign file names no process for certain. */
function readRunRecord(path: string): RunRecord | undefined {
  try {
    return runRecordSchema.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data;
  } catch (error) {
    if (error instanceof SyntaxError || isAbsent(error)) return undefined;
    throw error;
  }
}
