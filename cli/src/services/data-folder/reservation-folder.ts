/** Where all sites of one user on this machine see which ports the others have chosen. */
import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultCacheDir, runtimeDir } from '../environment.js';
import { ServiceError } from '../service-error.js';

/**
 * The first has to be the same for every process of this user, whatever its variables say: sites that look in different
 * places do not see each other. The others are for when somebody else has made that folder, or nobody can make one there.
 */
function reservationFolders(): readonly string[] {
  const name = `aurorasoc-ports-${process.getuid?.() ?? 'all'}`;
  const runtime = runtimeDir();
  return [
    join('/tmp', name),
    ...(runtime === undefined ? [] : [join(runtime, name)]),
    join(tmpdir(), name),
    join(defaultCacheDir(), '..', name),
  ];
}

/**
 * @returns the first of `folders` that is this user's own, made where it is absent. A folder that another user has put
 *   there would be theirs to fill and to close.
 * @throws ServiceError `PORTS_UNAVAILABLE`
 */
export function openReservationFolder(folders: readonly string[] = reservationFolders()): string {
  const folder = folders.find(isOwnFolder);
  if (folder !== undefined) return folder;
  throw new ServiceError(
    'PORTS_UNAVAILABLE',
    `Ports cannot be reserved: none of ${folders.join(', ')} is a folder of this user, or can be made; remove what is in its place`,
  );
}

function isOwnFolder(path: string): boolean {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const stat = lstatSync(path); // a link may point anywhere
    return stat.isDirectory() && (process.getuid === undefined || stat.uid === process.getuid());
  } catch {
    return false; // whatever the reason, the next one may do
  }
}
