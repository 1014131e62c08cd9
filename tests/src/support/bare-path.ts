/** A PATH with everything that the machine has but the services that the product can start for itself. */
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const SERVICES = /^(redis|nats|mosquitto|postgres|pg_|psql$|initdb$|createdb$|valkey)/;
const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** @param hidden - further programs to leave out. @returns the PATH: one folder of links. */
export function makeBarePath(folder: string, hidden: readonly string[] = []): string {
  mkdirSync(folder, { recursive: true });
  const seen = new Set(hidden);
  for (const from of FOLDERS) {
    for (const name of listFolder(from)) {
      if (seen.has(name) || SERVICES.test(name)) continue;
      seen.add(name);
      symlinkSync(join(from, name), join(folder, name));
    }
  }
  return folder;
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Not every machine has all of them.
    return [];
  }
}
