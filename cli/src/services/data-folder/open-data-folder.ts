import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { hasErrorCode, ServiceError } from '../service-error.js';
import { tryLock } from './lock.js';

/** What lies where in a data folder. Each service's own data is in `<root>/<name>`. */
export interface DataFolder {
  readonly root: string;
  readonly runDir: string;
  readonly logsDir: string;
  readonly secretsDir: string;
  readonly portsFile: string;
  /** Gives the folder free for the next supervisor; never throws. */
  close(): void;
}

const LISTABLE_BY_NO_OTHER = 0o711;
const PASSABLE_BY_OTHERS = 0o001;

/**
 * Creates the folder where needed and locks it for this process.
 *
 * @throws ServiceError `DATA_DIR_LOCKED` naming the pid that has it, `DATA_DIR_UNUSABLE` when it cannot be written.
 */
export function openDataFolder(dataDir: string): DataFolder {
  const root = resolve(dataDir);
  const folder = {
    root,
    runDir: join(root, 'run'),
    logsDir: join(root, 'logs'),
    secretsDir: join(root, 'secrets'),
    portsFile: join(root, 'ports.json'),
  };
  try {
    mkdirSync(root, { recursive: true, mode: LISTABLE_BY_NO_OTHER });
    // Services of a supervisor that is root run as somebody else, who has to get to their data below.
    if (process.getuid?.() === 0) chmodSync(root, statSync(root).mode | PASSABLE_BY_OTHERS);
    for (const path of [folder.runDir, folder.logsDir, folder.secretsDir])
      mkdirSync(path, { recursive: true, mode: 0o700 });
    const lock = tryLock(join(root, 'lock'));
    if (!lock.acquired) {
      throw new ServiceError(
        'DATA_DIR_LOCKED',
        `${root} is in use by process ${lock.heldBy.pid}: stop that first, or name another data folder`,
      );
    }
    return { ...folder, close: () => releaseIfPossible(lock) };
  } catch (cause) {
    if (!hasErrorCode(cause, 'EACCES', 'EROFS', 'EPERM', 'ENOTDIR')) throw cause;
    throw new ServiceError(
      'DATA_DIR_UNUSABLE',
      `${root} cannot be written by this user: give it to them, or name another data folder`,
      { cause },
    );
  }
}

/** A full disk may refuse it. Who comes next then passes over the lock of an ended process. */
function releaseIfPossible(lock: { release(): void }): void {
  try {
    lock.release();
  } catch {
    // Nothing is to be done about it, and the end of a site, or the failure that led here, is the thing to tell.
  }
}
