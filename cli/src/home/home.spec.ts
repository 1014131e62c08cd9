import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ApiKeyVerifier,
  readApiKeys,
  readPrivateKey,
  readPublicKey,
  TokenSigner,
  TokenVerifier,
  writeApiKeys,
} from '@aurorasoc/kit/auth';
import { Health } from '@aurorasoc/kit/health';
import { createLog } from '@aurorasoc/kit/log';
import { TENANTS } from '@aurorasoc/kit/tenants';
import { describe, expect, it } from 'vitest';
import { makeScratchFolder } from '../services/testing/scratch-folder.js';
import { changeApiKeys } from './change-file.js';
import { isTokenKnown, readProfiles, writeProfiles } from './credentials.js';
import { addErasedTenant } from './erased-tenants.js';
import { prepareProfiles } from './prepare-profiles.js';
import { siteHome } from './site-home.js';
import { prepareSiteKeys } from './site-keys.js';

const URLS = { url: 'http://127.0.0.1:8000', ingestUrl: 'http://127.0.0.1:8010' };

function prepare() {
  const home = siteHome(makeScratchFolder());
  return { home, keys: prepareSiteKeys(home) };
}

describe('keys of an installation', () => {
  it('are for their owner alone', () => {
    const { home, keys } = prepare();
    expect(statSync(home.keysDir).mode & 0o777).toBe(0o700);
    const files = [
      keys.secretFile,
      keys.gateway.privateKey,
      keys.gateway.publicKey,
      keys.agents.privateKey,
      home.apiKeysFile,
    ];
    for (const file of files) expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('are the same at every start', () => {
    const { home, keys } = prepare();
    const before = readFileSync(keys.secretFile);
    prepareSiteKeys(home);
    expect(readFileSync(keys.secretFile)).toEqual(before);
  });

  it('form pairs, also when the public half was lost', async () => {
    const { home, keys } = prepare();
    rmSync(keys.gateway.publicKey);
    prepareSiteKeys(home);
    const signer = new TokenSigner('aurora-gateway', readPrivateKey(keys.gateway.privateKey), 30);
    const verifier = new TokenVerifier('alerts', new Map([['aurora-gateway', readPublicKey(keys.gateway.publicKey)]]));
    const principal = { tenant: TENANTS.local, subject: 's', kind: 'user', scopes: [] } as const;
    const token = await signer.sign({ ...principal, scopes: [] }, 'alerts', Math.floor(Date.now() / 1000) + 60);
    expect((await verifier.verify(token)).principal.tenant).toBe(TENANTS.local);
  });
});

describe('profiles of an installation', () => {
  it('have tokens that are accepted, each for its own tenant', async () => {
    const { home } = prepare();
    const profiles = await prepareProfiles(home, URLS);
    const verifier = new ApiKeyVerifier(home.apiKeysFile, new Health('test'), createLog('test', 'silent'));
    for (const [name, { token }] of Object.entries(profiles)) {
      expect(verifier.verify(token).principal.tenant).toBe(TENANTS[name as keyof typeof TENANTS]);
    }
    expect(verifier.verify(profiles.check.token).principal.scopes).toEqual(
      expect.arrayContaining(['events:write', 'agents:run']),
    );
    expect(statSync(home.credentialsFile).mode & 0o777).toBe(0o600);
  });

  it('keep their tokens, and those that a person added, at the next start', async () => {
    const { home } = prepare();
    const first = await prepareProfiles(home, URLS);
    const elsewhere = { ...first.local, url: 'http://127.0.0.1:7777' };
    writeProfiles(home.credentialsFile, { ...first, mine: { ...first.local, token: 'mine' }, elsewhere });
    const second = await prepareProfiles(home, { ...URLS, url: 'http://127.0.0.1:9999' });
    expect(second.local).toEqual({ ...first.local, url: 'http://127.0.0.1:9999' });
    // Of this site, whose former port may be another program's now.
    expect(readProfiles(home.credentialsFile).mine).toEqual({ ...second.local, token: 'mine' });
    expect(readProfiles(home.credentialsFile).elsewhere).toEqual(elsewhere);
  });

  it('do not bring a revoked key back', async () => {
    const { home } = prepare();
    const { local } = await prepareProfiles(home, URLS);
    writeApiKeys(home.apiKeysFile, []);
    await prepareProfiles(home, URLS);
    expect(readApiKeys(home.apiKeysFile)).toEqual([]);
    expect(isTokenKnown(home.apiKeysFile, local.token)).toBe(false);
  });

  it('get no key of a tenant that was erased, also when the profiles were lost', async () => {
    const { home } = prepare();
    await prepareProfiles(home, URLS);
    await changeApiKeys(home.apiKeysFile, (keys) => {
      addErasedTenant(home.apiKeysFile, TENANTS.sample);
      return keys.filter(({ tenant }) => tenant !== TENANTS.sample);
    });
    rmSync(home.credentialsFile);
    const { local, sample } = await prepareProfiles(home, URLS);
    expect(isTokenKnown(home.apiKeysFile, local.token)).toBe(true);
    expect(isTokenKnown(home.apiKeysFile, sample.token)).toBe(false);
  });

  it('leave no key behind whose text nobody has', async () => {
    const { home } = prepare();
    await prepareProfiles(home, URLS);
    rmSync(home.credentialsFile);
    await prepareProfiles(home, URLS);
    expect(readApiKeys(home.apiKeysFile)).toHaveLength(3);
  });

  it('name the file that cannot be read', () => {
    const file = join(makeScratchFolder(), 'credentials.json');
    writeFileSync(file, '{"profiles": {"local": {}}}');
    expect(() => readProfiles(file)).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION_INVALID', publicMessage: expect.stringContaining(file) }),
    );
  });
});
