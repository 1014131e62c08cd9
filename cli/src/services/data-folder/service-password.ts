import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hasErrorCode } from '../service-error.js';
import { writeFileAtomically } from './write-file-atomically.js';

/** 24 random bytes in base64url: needs no escaping in a URL, a configuration file or a shell. */
export function createPassword(file: string): string {
  const password = randomBytes(24).toString('base64url');
  writeFileAtomically(file, password);
  return password;
}

export function readPassword(file: string): string | undefined {
  try {
    const password = readFileSync(file, 'utf8').trim();
    return password === '' ? undefined : password;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
