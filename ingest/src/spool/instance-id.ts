/** The name of one spool over restarts. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isUuid, newId } from '@aurorasoc/kit/ids';

/** The id in the folder's file `instance`; made when it is missing or unreadable, for nothing depends on its past. */
export function readInstanceId(folder: string): string {
  const path = join(folder, 'instance');
  try {
    const id = readFileSync(path, 'utf8').trim();
    if (isUuid(id)) return id;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const id = newId();
  writeFileSync(path, `${id}\n`, { mode: 0o600 });
  return id;
}
