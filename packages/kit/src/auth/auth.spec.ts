import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Health } from '../health.js';
import { NO_TENANT } from '../ids.js';
import { createLog } from '../log.js';
import {
  ApiKeyVerifier,
  bearerToken,
  createApiKey,
  type Principal,
  ROLE_SCOPES,
  sharingKey,
  TokenSigner,
  TokenVerifier,
  writeApiKeys,
} from './index.js';

const ann: Principal = {
  tenant: '0198c0de-0000-7000-8000-00000000000a',
  subject: 'ann',
  kind: 'user',
  scopes: ['alerts:read', 'events:read'],
};
const later = (): number => Math.floor(Date.now() / 1000) + 3_600;
const keys = generateKeyPairSync('ed25519');
const NOBODY = 65_534;
const otherKeys = generateKeyPairSync('ed25519');

describe('internal tokens', () => {
  const signer = new TokenSigner('aurora-gateway', keys.privateKey, 30);
  const verifier = new TokenVerifier('alerts', new Map([['aurora-gateway', keys.publicKey]]));

  it('carry the principal and the end of the session', async () => {
    const end = later();
    const identity = await verifier.verify(await signer.sign({ ...ann, actor: 'agent:endpoint' }, 'alerts', end));
    expect(identity).toEqual({ principal: { ...ann, actor: 'agent:endpoint' }, sessionExpiresAt: end });
  });

  it('carry the investigation that an agent acts in', async () => {
    const agent: Principal = { ...ann, kind: 'agent', actor: 'agent:endpoint', investigation: ann.tenant };
    const { principal } = await verifier.verify(await signer.sign(agent, 'alerts', later()));
    expect(principal).toEqual(agent);
  });

  it('are handed out again while they are fresh, and only to the same identity', async () => {
    const end = later();
    expect(await signer.sign(ann, 'alerts', end)).toBe(await signer.sign(ann, 'alerts', end));
    expect(await signer.sign({ ...ann, subject: 'bob' }, 'alerts', end)).not.toBe(
      await signer.sign(ann, 'alerts', end),
    );
    expect(await signer.sign(ann, 'agents', end)).not.toBe(await signer.sign(ann, 'alerts', end));
  });

  it('are refused for another audience, from another key, by another algorithm, or changed', async () => {
    const good = await signer.sign(ann, 'alerts', later());
    const forged = await new TokenSigner('aurora-gateway', otherKeys.privateKey, 30).sign(ann, 'alerts', later());
    const symmetric = await new SignJWT({ tenant: ann.tenant, kind: 'user', scope: 'alerts:read' })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer('aurora-gateway')
      .setSubject('ann')
      .setAudience('alerts')
      .setExpirationTime('1h')
      .sign(Buffer.alloc(32));
    const [head, , signature] = good.split('.');
    const swapped = `${head}.${Buffer.from(JSON.stringify({ iss: 'aurora-gateway', sub: 'bob', aud: 'alerts' })).toString('base64url')}.${signature}`;
    for (const token of [await signer.sign(ann, 'agents', later()), forged, symmetric, swapped, 'x.y.z', '']) {
      await expect(verifier.verify(token), token).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    }
  });

  it.each([
    ['exp', { exp: undefined }],
    ['sub', { sub: undefined }],
    ['tenant', { tenant: undefined }],
  ])('are refused without %s', async (_claim, without) => {
    const claims = { iss: 'aurora-gateway', aud: 'alerts', sub: 'ann', exp: later(), tenant: ann.tenant };
    const sign = (payload: Record<string, unknown>) =>
      new SignJWT({ kind: 'user', scope: 'alerts:read', session_exp: later(), ...payload })
        .setProtectedHeader({ alg: 'EdDSA' })
        .sign(keys.privateKey);
    await expect(verifier.verify(await sign(claims))).resolves.toBeDefined();
    await expect(verifier.verify(await sign({ ...claims, ...without }))).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    });
  });

  it('expire, and say so', async () => {
    vi.useFakeTimers({ now: Date.now() - 120_000 });
    const old = await signer.sign(ann, 'alerts', later());
    vi.useRealTimers();
    await expect(verifier.verify(old)).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      publicMessage: 'The token is expired',
    });
  });
});

/** Root may read everything, so the work is done as somebody else where the tests run as root. */
function withoutRights(path: string, work: () => void): void {
  const { mode } = statSync(path);
  chmodSync(path, 0);
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    work();
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(path, mode);
  }
}

describe('the sharing key', () => {
  it('is equal for one identity, whatever the order of scopes, and differs by tenant, subject, scope, actor and investigation', () => {
    expect(sharingKey({ ...ann, scopes: ['events:read', 'alerts:read'] })).toBe(sharingKey(ann));
    const others: Principal[] = [
      { ...ann, tenant: '0198c0de-0000-7000-8000-00000000000b' },
      { ...ann, subject: 'bob' },
      { ...ann, scopes: ['alerts:read'] },
      { ...ann, actor: 'agent:x' },
      { ...ann, actor: 'agent:x', investigation: '0198c0de-0000-7000-8000-00000000000c' },
      { ...ann, actor: 'agent:x', investigation: '0198c0de-0000-7000-8000-00000000000d' },
    ];
    expect(new Set([ann, ...others].map(sharingKey)).size).toBe(others.length + 1);
  });
});

describe('API keys', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'aurora-keys-'));
    chmodSync(folder, 0o755);
    file = join(folder, 'api-keys.json');
  });

  afterEach(() => {
    vi.useRealTimers();
    rmSync(folder, { recursive: true, force: true });
  });

  const input = { tenant: ann.tenant, subject: 'ann', kind: 'user', roles: ['analyst'] } as const;
  const health = new Health('test');
  const verifierOf = (path: string) => new ApiKeyVerifier(path, health, createLog('test', 'silent'));

  it('stand for the scopes of their roles', () => {
    const { key, text } = createApiKey({ ...input, roles: ['analyst'] });
    writeApiKeys(file, [key]);
    expect(verifierOf(file).verify(text).principal).toEqual({
      tenant: ann.tenant,
      subject: 'ann',
      kind: 'user',
      scopes: [...ROLE_SCOPES.analyst],
    });
  });

  it('are refused when unknown, wrong, malformed or expired', () => {
    const { key, text } = createApiKey({ ...input, roles: ['viewer'] });
    const expired = createApiKey({
      ...input,
      roles: ['viewer'],
      expiresAt: new Date(Date.now() - 1_000).toISOString(),
    });
    writeApiKeys(file, [key, expired.key]);
    const verifier = verifierOf(file);
    const wrong = text.slice(0, -1) + (text.endsWith('A') ? 'B' : 'A');
    for (const token of [
      createApiKey({ ...input, roles: ['viewer'] }).text,
      wrong,
      'aurora_',
      `${text} `,
      expired.text,
    ]) {
      expect(() => verifier.verify(token), token).toThrow(expect.objectContaining({ code: 'UNAUTHENTICATED' }));
    }
  });

  it('work as soon as they are in the file', () => {
    writeApiKeys(file, []);
    utimesSync(file, 1, 1);
    vi.useFakeTimers({ now: Date.now() });
    const verifier = verifierOf(file);
    const { key, text } = createApiKey({ ...input, roles: ['viewer'] });
    writeApiKeys(file, [key]);
    vi.advanceTimersByTime(51);
    expect(verifier.isCurrent(text)).toBe(true);
  });

  it('end within a second of being taken out of the file', () => {
    const { key, text } = createApiKey({ ...input, roles: ['viewer'] });
    writeApiKeys(file, [key]);
    utimesSync(file, 1, 1);
    vi.useFakeTimers({ now: Date.now() });
    const verifier = verifierOf(file);
    expect(verifier.isCurrent(text)).toBe(true);
    writeApiKeys(file, []);
    vi.advanceTimersByTime(1_001);
    expect(verifier.isCurrent(text)).toBe(false);
  });

  it('stay in force while the file is broken, which health tells and no client is told', () => {
    const { key, text } = createApiKey({ ...input, roles: ['viewer'] });
    writeApiKeys(file, [key]);
    utimesSync(file, 1, 1);
    vi.useFakeTimers({ now: Date.now() });
    const verifier = verifierOf(file);
    writeFileSync(file, '{"keys": [');
    vi.advanceTimersByTime(1_001);
    expect(verifier.isCurrent(text)).toBe(true);
    expect(() => verifier.verify(createApiKey({ ...input, roles: ['viewer'] }).text)).toThrow(
      'The API key is not valid',
    );
    expect(health.report().components['api keys']).toMatchObject({ state: 'degraded' });
    writeApiKeys(file, [key]);
    vi.advanceTimersByTime(1_001);
    expect(verifier.isCurrent(text)).toBe(true);
    expect(health.report().components['api keys']).toMatchObject({ state: 'up' });
  });

  it.each([
    ['the file', () => file],
    ['its folder', () => folder],
  ])('stay in force while %s may not be read, and follow the file as soon as it may', (_, pathOf) => {
    const { key, text } = createApiKey({ ...input, roles: ['viewer'] });
    const added = createApiKey({ ...input, roles: ['viewer'] });
    writeApiKeys(file, [key]);
    utimesSync(file, 1, 1);
    vi.useFakeTimers({ now: Date.now() });
    const lines: string[] = [];
    const log = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) });
    const verifier = new ApiKeyVerifier(file, health, log);
    writeApiKeys(file, [key, added.key]);
    withoutRights(pathOf(), () => {
      for (let look = 0; look < 3; look++) {
        vi.advanceTimersByTime(1_001);
        expect(verifier.isCurrent(text)).toBe(true);
        expect(verifier.isCurrent(added.text)).toBe(false);
      }
      expect(health.report().components['api keys']).toMatchObject({ state: 'degraded' });
    });
    vi.advanceTimersByTime(1_001);
    expect(verifier.isCurrent(added.text)).toBe(true);
    expect(health.report().components['api keys']).toMatchObject({ state: 'up' });
    expect(lines).toHaveLength(1);
  });

  it.each([
    ['tenant', { tenant: NO_TENANT }],
    ['subject', { subject: '' }],
    ['subject', { subject: ' \t' }],
    ['subject', { subject: 'a\0b' }],
    ['subject', { subject: 'x'.repeat(201) }],
    ['tenant', { tenant: 'acme' }],
    ['expiresAt', { expiresAt: '+010000-01-01T00:00:00.000Z' }],
  ])('are not made with a %s of %j', (field, wrong) => {
    const making = () => createApiKey({ ...input, roles: ['viewer'], ...wrong });
    expect(making).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT', field }));
  });

  it('are not written in a form that could not be read again', () => {
    const { key, text } = createApiKey({ ...input, roles: ['viewer'] });
    writeApiKeys(file, [key]);
    expect(() => writeApiKeys(file, [key, { ...key, subject: '' }])).toThrow(
      expect.objectContaining({ code: 'BAD_USER_INPUT', field: 'keys.1.subject' }),
    );
    expect(verifierOf(file).isCurrent(text)).toBe(true);
  });

  it('of a file belong to a tenant, whose id may be written in capitals', () => {
    const { key, text } = createApiKey({ ...input, roles: ['viewer'] });
    const write = (tenant: string) => writeFileSync(file, JSON.stringify({ keys: [{ ...key, tenant }] }));
    write(key.tenant.toUpperCase());
    expect(verifierOf(file).verify(text).principal.tenant).toBe(key.tenant);
    write(NO_TENANT);
    expect(() => verifierOf(file)).toThrow(/stands for nobody/);
  });

  it('of a file that is broken from the start are refused with the path, for the operator', () => {
    writeFileSync(file, '{"keys": [');
    expect(() => verifierOf(file)).toThrow(expect.objectContaining({ code: 'CONFIGURATION_INVALID' }));
  });
});

describe('the bearer token of a header', () => {
  it.each([
    ['Bearer abc', 'abc'],
    ['bearer a.b-c_d', 'a.b-c_d'],
    ['Basic abc', undefined],
    ['Bearer ', undefined],
    ['Bearer a b', undefined],
    [undefined, undefined],
    [7, undefined],
  ])('of %j is %j', (header, token) => {
    expect(bearerToken(header)).toBe(token);
  });
});
