/**
 * Changes to the files that commands and a start may write at the same time. Each is read, changed and written under a lock
 * of its own, `<file>.lock`: of two that read the same state, the later one would undo the earlier one's change.
 */
import { type ApiKey, readApiKeys, writeApiKeys } from '@aurorasoc/kit/auth';
import { AuroraError } from '@aurorasoc/kit/errors';
import { sleep } from '@aurorasoc/kit/lifecycle';
import { tryLock } from '../services/data-folder/lock.js';
import { type Profiles, readProfiles, writeProfiles } from './credentials.js';

const RETRY_MS = 20;
/** A change takes milliseconds; who holds the lock for longer has been stopped in the middle. */
const WAIT_MS = 10_000;

/** @throws AuroraError `CONFLICT` when another process does not let go of the file, `CONFIGURATION_INVALID` */
export function changeApiKeys(file: string, change: (keys: readonly ApiKey[]) => readonly ApiKey[]): Promise<void> {
  return whileLocked(file, () => writeApiKeys(file, change(readApiKeys(file))));
}

/** @throws AuroraError `CONFLICT` when another process does not let go of the file, `CONFIGURATION_INVALID` */
export function changeProfiles(file: string, change: (profiles: Profiles) => Profiles): Promise<void> {
  return whileLocked(file, () => writeProfiles(file, change(readProfiles(file))));
}

async function whileLocked(file: string, work: () => void): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  let attempt = tryLock(`${file}.lock`);
  while (!attempt.acquired) {
    if (performance.now() > deadline) {
      throw new AuroraError({
        code: 'CONFLICT',
        publicMessage: `${file} is being changed by process ${attempt.heldBy.pid}, which does not finish; end it and try again`,
      });
    }
    await sleep(RETRY_MS);
    attempt = tryLock(`${file}.lock`);
  }
  try {
    work();
  } finally {
    attempt.release();
  }
}
