import { closeSync, fstatSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { devNull } from 'node:os';
import { describeError } from '@aurorasoc/kit/errors';

/** A log is set aside at start once it is larger; one older log is kept, so a service has at most about twice this plus one run. */
const MAX_BYTES = 10 * 1024 * 1024;
const TAIL_BYTES = 8 * 1024;
const TAIL_LINES = 6;

export interface ServiceLog {
  /** Open for appending; close with {@link closeLog} once the service has it. */
  readonly fd: number;
  readonly path: string;
  /** Size when this run began: what lies before is another run's. */
  readonly startOffset: number;
}

/** Opens `path` for the next run of a service, setting a large earlier log aside as `path.1`. */
export function openLog(path: string): ServiceLog {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MAX_BYTES) renameSync(path, `${path}.1`);
  const fd = openSync(path, 'a', 0o600);
  return { fd, path, startOffset: fstatSync(fd).size };
}

/** As {@link openLog}; where the disk does not let it, what the run says is lost, which is told, and the run is not. */
export function openLogOrNone(path: string, log: (line: string) => void): ServiceLog {
  try {
    return openLog(path);
  } catch (error) {
    log(`${path} cannot be opened (${describeError(error)}); going on without`);
    return { fd: openSync(devNull, 'a'), path: devNull, startOffset: 0 };
  }
}

export function closeLog(log: ServiceLog): void {
  closeSync(log.fd);
}

/** The last lines that this run has written, oldest first; empty when it wrote none. */
export function readLogTail(log: ServiceLog): readonly string[] {
  const fd = openSync(log.path, 'r');
  try {
    const size = fstatSync(fd).size;
    const from = Math.max(log.startOffset, size - TAIL_BYTES);
    const buffer = Buffer.alloc(Math.max(0, size - from));
    readSync(fd, buffer, 0, buffer.length, from);
    return buffer
      .toString('utf8')
      .split('\n')
      .filter((line) => line.trim() !== '')
      .slice(-TAIL_LINES);
  } finally {
    closeSync(fd);
  }
}
