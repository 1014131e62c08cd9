import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createApiKey, readApiKeys, writeApiKeys } from '@aurorasoc/kit/auth';
import { sleep } from '@aurorasoc/kit/lifecycle';
import { TENANTS } from '@aurorasoc/kit/tenants';
import { describe, expect, it } from 'vitest';
import { readProfiles, writeProfiles } from '../home/credentials.js';
import { prepareProfiles } from '../home/prepare-profiles.js';
import { type SiteHome, siteHome } from '../home/site-home.js';
import { prepareSiteKeys } from '../home/site-keys.js';
import { tryLock } from '../services/data-folder/lock.js';
import { makeScratchFolder } from '../services/testing/scratch-folder.js';

const PROGRAM = fileURLToPath(new URL('../../dist/bin.js', import.meta.url));
/** Long enough for a command that does not wait to have ended. */
const HOLD_MS = 4_000;

async function prepareHome(): Promise<SiteHome> {
  const home = siteHome(makeScratchFolder());
  prepareSiteKeys(home);
  await prepareProfiles(home, { url: 'http://127.0.0.1:8000', ingestUrl: 'http://127.0.0.1:8010' });
  return home;
}

/** Runs `aurora token …` to its end. @returns what it printed */
async function token(home: SiteHome, ...args: readonly string[]): Promise<string> {
  const env = { PATH: process.env.PATH, HOME: home.root, AURORA_HOME: home.root };
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, 'token', ...args], { env });
  return stdout.trim();
}

/** What another process does that has read a file, thinks for a while, and then writes it. */
async function changeSlowly<T>(file: string, read: (file: string) => T, write: (before: T) => void): Promise<void> {
  const lock = tryLock(`${file}.lock`);
  const before = read(file);
  await sleep(HOLD_MS);
  write(before);
  if (lock.acquired) lock.release();
}

describe('aurora token', { timeout: 60_000 }, () => {
  it('loses no key when two change the file at once', async () => {
    const home = await prepareHome();
    const file = home.apiKeysFile;
    const [revoked] = readApiKeys(file);
    const { key: mine } = createApiKey({ tenant: TENANTS.local, subject: 'mine', kind: 'user', roles: ['viewer'] });
    const slow = changeSlowly(file, readApiKeys, (before) => writeApiKeys(file, [...before, mine]));
    const [text] = await Promise.all([
      token(home, 'create', '--role', 'viewer', '--subject', 'theirs'),
      token(home, 'revoke', revoked?.id ?? ''),
      slow,
    ]);
    const ids = readApiKeys(file).map(({ id }) => id);
    expect(ids).toContain(mine.id);
    expect(ids).toContain(text.split('_')[1]);
    expect(ids).not.toContain(revoked?.id);
  });

  it('loses no profile when two are saved at once', async () => {
    const home = await prepareHome();
    const file = home.credentialsFile;
    const slow = changeSlowly(file, readProfiles, (before) =>
      writeProfiles(file, { ...before, mine: before.local as NonNullable<typeof before.local> }),
    );
    await Promise.all([token(home, 'create', '--role', 'viewer', '--save', 'theirs'), slow]);
    expect(Object.keys(readProfiles(file))).toEqual(expect.arrayContaining(['mine', 'theirs', 'local']));
  });

  it('makes no key whose text it could not save', async () => {
    const home = siteHome(makeScratchFolder());
    prepareSiteKeys(home);
    const saved = token(home, 'create', '--role', 'viewer', '--save', 'mine');
    await expect(saved).rejects.toMatchObject({ stderr: expect.stringContaining('--save') });
    expect(readApiKeys(home.apiKeysFile)).toEqual([]);
  });
});
