/** One process per spool folder: two would delete each other's segments. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AuroraError } from '@aurorasoc/kit/errors';

export interface FolderLock {
  release(): void;
}

/**
 * Locks a folder for as long as the process lives.
 *
 * The lock is the operating system's on the file `lock`, taken through an empty SQLite database, Node's one portable way to
 * such a lock. The kernel drops it when the process dies, however it dies, so there is no stale lock to judge.
 *
 * @throws AuroraError `CONFLICT` when another process holds it.
 */
export function lockFolder(folder: string): FolderLock {
  const database = new DatabaseSync(join(folder, 'lock'));
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    throw new AuroraError({
      code: 'CONFLICT',
      publicMessage: `The spool folder ${folder} is in use by another process; stop it, or set INGEST_SPOOL_DIR to a folder of its own`,
      cause,
    });
  }
  return { release: () => database.close() };
}
