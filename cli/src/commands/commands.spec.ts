import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createApiKey, type Role, readApiKeys, writeApiKeys } from '@aurorasoc/kit/auth';
import { newId } from '@aurorasoc/kit/ids';
import { TENANTS } from '@aurorasoc/kit/tenants';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { checkCredentials } from '../doctor/check-host.js';
import { writeProfiles } from '../home/credentials.js';
import { type SiteHome, siteHome } from '../home/site-home.js';
import { makeScratchFolder } from '../services/testing/scratch-folder.js';
import { chooseConnection, resolveConnection, type SiteTarget } from './profile.js';
import { chunkDocuments, readRuleDocuments } from './rules.js';
import { parseSince } from './tail.js';
import { eraseTenant } from './tenant.js';
import { createToken, parseExpiry, resolveTenant, showToken } from './token.js';

const BIN = fileURLToPath(new URL('../bin.ts', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../../dist/bin.js', import.meta.url));
const FROM_SOURCE = fileURLToPath(new URL('../services/testing/run-from-source.ts', import.meta.url));

describe('reading a folder of rules', () => {
  it('finds them in subfolders, in the order of their names, and nothing else', () => {
    const folder = makeScratchFolder();
    mkdirSync(join(folder, 'windows'));
    for (const name of ['b.yml', 'a.YAML', 'windows/c.yml', 'README.md']) writeFileSync(join(folder, name), name);
    expect(readRuleDocuments(folder).map(({ name }) => name)).toEqual(['a.YAML', 'b.yml', 'windows/c.yml']);
  });

  it('follows links to files, but none to folders, which may lead back to where they are', () => {
    const folder = makeScratchFolder();
    mkdirSync(join(folder, 'windows'));
    writeFileSync(join(folder, 'windows/c.yml'), 'c');
    for (const name of ['one', 'two']) symlinkSync('.', join(folder, name));
    symlinkSync('windows/c.yml', join(folder, 'a.yml'));
    symlinkSync('nowhere.yml', join(folder, 'b.yml'));
    symlinkSync('d.yml', join(folder, 'd.yml'));
    expect(readRuleDocuments(folder).map(({ name }) => name)).toEqual(['a.yml', 'windows/c.yml']);
  });

  it('says that a folder has none, or is not there', () => {
    const folder = makeScratchFolder();
    expect(() => readRuleDocuments('/dev/null')).toThrow('neither a folder nor a file');
    expect(() => readRuleDocuments(folder)).toThrow('holds no .yml');
    expect(() => readRuleDocuments(join(folder, 'no'))).toThrow('does not exist');
  });

  it('cuts them into chunks that the gateway takes, without losing one', () => {
    const documents = [...Array(250).keys()].map((index) => ({
      name: `${index}.yml`,
      text: 'x'.repeat(index === 7 ? 2_000_000 : 20_000),
    }));
    const chunks = [...chunkDocuments(documents)];
    expect(chunks.flat()).toEqual(documents);
    for (const chunk of chunks) {
      expect(chunk.length).toBeLessThanOrEqual(100);
      if (chunk.length > 1) expect(JSON.stringify(chunk).length).toBeLessThan(1024 * 1024);
    }
  });
});

/** Runs `aurora` as a person would, from its source. */
function aurora(home: string, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', FROM_SOURCE, BIN, ...args], {
    env: { PATH: process.env.PATH, AURORA_HOME: home },
    encoding: 'utf8',
    input: '{}\n',
    timeout: 20_000,
  });
  return { status, stdout, stderr };
}

it('tells its version', () => {
  expect(aurora(makeScratchFolder(), '--version')).toEqual({ status: 0, stdout: '0.1.0\n', stderr: '' });
});

describe('a token', () => {
  it.each([
    ['--subject', ''],
    ['--subject', 'a\tb'],
    ['--subject', 'x'.repeat(201)],
    ['--tenant', ''],
    ['--tenant', 'constructor'],
    ['--tenant', '00000000-0000-0000-0000-000000000000'],
    ['--expires', '+010000-01-01T00:00:00Z'],
  ])('is not made with %s "%s", and the file of keys stays as it is', (option, value) => {
    const home = siteHome(makeScratchFolder());
    mkdirSync(dirname(home.apiKeysFile), { recursive: true });
    writeApiKeys(home.apiKeysFile, []);
    const { status, stderr } = aurora(home.root, 'token', 'create', '--role', 'viewer', option, value);
    expect(stderr).toContain(`BAD_USER_INPUT (${option})`);
    expect(status).toBe(2);
    expect(readApiKeys(home.apiKeysFile)).toEqual([]);
  });
});

describe('an address', () => {
  it.each([
    ['send', '--ingest-url', 'notaurl'],
    ['send', '--ingest-url', 'ftp://ingest.example.org'],
    ['tail', '--url', 'localhost:8000'],
  ])('that is none is refused by %s %s %s before anything is sent', (command, option, value) => {
    const files = command === 'send' ? ['-'] : [];
    const { status, stderr } = aurora(makeScratchFolder(), command, ...files, option, value, '--token', 'x');
    expect(stderr).toContain(`BAD_USER_INPUT (${option}): "${value}" is no address`);
    expect(status).toBe(2);
  });
});

describe('the id of a tenant', () => {
  it('may be written in capitals', () => {
    const id = newId();
    expect(resolveTenant(id.toUpperCase(), '/nowhere')).toBe(id);
  });
});

describe('a data folder that is none', () => {
  it.each(['status', 'doctor'])('is told by %s', (command) => {
    // Built: some of what these commands import cannot run from its source.
    const env = { PATH: process.env.PATH, AURORA_HOME: '/dev/null' };
    const { status, stderr } = spawnSync(process.execPath, [PROGRAM, command], {
      env,
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect(stderr).not.toContain('UNEXPECTED');
    expect(stderr).toMatch(command === 'status' ? /^aurora: NOT_RUNNING: No site runs in \/dev\/null/ : /^$/);
    expect(status).toBe(1);
  });
});

describe('a Node that is too old', () => {
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })`;

  it.each([
    ['up', /^aurora: CONFIGURATION_INVALID: Node 20.20.2 is older than 24; run "npm start" .*\n$/],
    ['status', /^aurora: CONFIGURATION_INVALID: Node 20.20.2 is older than 24; run "npm start" .*\n$/],
    ['doctor', /^$/],
  ])('is told in one line by %s, before it matters', (command, line) => {
    const env = { PATH: process.env.PATH, AURORA_HOME: '/dev/null' };
    const args = ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, PROGRAM, command];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8', timeout: 20_000 });
    expect(stderr).toMatch(line);
    expect(stdout.includes('20.20.2 is older than 24')).toBe(command === 'doctor');
    expect(status).toBe(1);
  });
});

describe('a time in seconds', () => {
  it.each([
    ['status', '--timeout', 'abc'],
    ['status', '--timeout', '-1'],
    ['send', '--wait', ''],
    ['tenant', 'erase', '--wait', '1h'],
  ])('that is none is a mistake in the usage: %s', (...args) => {
    const { status, stderr } = aurora(makeScratchFolder(), ...args);
    expect(stderr).toContain('It takes seconds, from 0 to 3600.');
    expect(status).toBe(2);
  });
});

describe('when a token expires', () => {
  const now = new Date('2026-11-23T10:00:00.000Z');

  it('can be said as a duration or as a moment', () => {
    expect(parseExpiry('90m', now)).toBe('2026-11-23T11:30:00.000Z');
    expect(parseExpiry('2d', now)).toBe('2026-11-25T10:00:00.000Z');
    expect(parseExpiry('2027-01-01T00:00:00Z', now)).toBe('2027-01-01T00:00:00.000Z');
  });

  it.each(['yesterday', '0d', '+010000-01-01T00:00:00Z', '2020-01-01', '', '5'])('refuses "%s"', (text) => {
    expect(() => parseExpiry(text, now)).toThrow(
      expect.objectContaining({ code: 'BAD_USER_INPUT', field: '--expires' }),
    );
  });
});

describe('where tail begins', () => {
  const now = new Date('2026-11-23T10:00:00.000Z');

  it('can be said as a duration or as a moment', () => {
    expect(parseSince('90m', now)).toEqual(new Date('2026-11-23T08:30:00.000Z'));
    expect(parseSince('2026-11-01T00:00:00Z', now)).toEqual(new Date('2026-11-01T00:00:00.000Z'));
  });

  it.each(['tomorrow', '2027-01-01', ''])('cannot be "%s"', (text) => {
    expect(() => parseSince(text, now)).toThrow(expect.objectContaining({ field: '--since' }));
  });
});

/** Both doors of a target. */
function doorsOf(target: SiteTarget) {
  const { url: ingestUrl } = resolveConnection(target, 'ingest');
  return { ...resolveConnection(target), ingestUrl };
}

describe('a profile that is named', () => {
  it('counts more than what the shell holds', () => {
    const home = siteHome(makeScratchFolder());
    const profile = { url: 'http://127.0.0.1:1', ingestUrl: 'http://127.0.0.1:2' };
    writeProfiles(home.credentialsFile, { sample: { ...profile, tenant: TENANTS.sample, token: 'of-the-sample' } });
    vi.stubEnv('AURORA_HOME', home.root);
    vi.stubEnv('AURORA_TOKEN', 'of-somebody-else');
    vi.stubEnv('AURORA_URL', 'http://127.0.0.1:4');
    vi.stubEnv('AURORA_INGEST_URL', 'http://127.0.0.1:4');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(resolveConnection({ sample: true }).token).toBe('of-the-sample');
    expect(resolveConnection({ sample: true, token: 'given' }).token).toBe('given');
    expect(doorsOf({ profile: 'sample' })).toMatchObject({ ...profile, token: 'of-the-sample' });
    expect(resolveConnection({ url: 'http://127.0.0.1:3' })).toMatchObject({ token: 'of-somebody-else' });
  });

  it.each([{ profile: 'acme' }, { sample: true }])(
    'is refused where it does not exist, whatever the shell holds: %j',
    (target) => {
      const home = siteHome(makeScratchFolder());
      const profile = { url: 'http://127.0.0.1:1', ingestUrl: 'http://127.0.0.1:2' };
      writeProfiles(home.credentialsFile, { local: { ...profile, tenant: TENANTS.local, token: 'of-the-site' } });
      vi.stubEnv('AURORA_HOME', home.root);
      vi.stubEnv('AURORA_TOKEN', 'of-somebody-else');
      vi.stubEnv('AURORA_URL', 'http://127.0.0.1:4');
      onTestFinished(() => void vi.unstubAllEnvs());
      expect(() => resolveConnection(target)).toThrow(
        expect.objectContaining({
          code: 'NO_CREDENTIALS',
          publicMessage: expect.stringContaining('there are: local'),
        }),
      );
    },
  );
});

describe('a site without profiles', () => {
  const [one, other] = ['http://127.0.0.1:2', 'http://127.0.0.1:4'];
  beforeEach(() => {
    vi.stubEnv('AURORA_HOME', makeScratchFolder());
    onTestFinished(() => void vi.unstubAllEnvs());
  });

  it.each([
    [{ sample: true, ingestUrl: one, token: 'given' }, {}],
    [{}, { AURORA_INGEST_URL: one, AURORA_TOKEN: 'given' }],
    [{ sample: true, url: one, token: 'given' }, { AURORA_URL: other }],
  ])('takes events by one address and a token: %j %j', (target, variables) => {
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
    expect(resolveConnection(target, 'ingest')).toMatchObject({ url: one, token: 'given' });
  });

  it.each([
    [{}, 'gateway', /^No gateway \(--url, AURORA_URL\): no profile is in /],
    [{ ingestUrl: one, token: 'given' }, 'gateway', /^No gateway /],
    [{ url: one }, 'gateway', /^No token \(--token, AURORA_TOKEN\): /],
    [{ sample: true }, 'ingest', /^No ingest \(--ingest-url; AURORA_INGEST_URL does not count for a named profile\): /],
  ] as const)('says what could be given, where nothing is: %j', (target, door, message) => {
    expect(() => resolveConnection(target, door)).toThrow(
      expect.objectContaining({ code: 'NO_CREDENTIALS', publicMessage: expect.stringMatching(message) }),
    );
  });
});

describe('the token of a profile', () => {
  const profile = {
    url: 'http://127.0.0.1:1',
    ingestUrl: 'http://127.0.0.1:2',
    tenant: TENANTS.local,
    token: 'secret',
  };
  const local = { local: profile };
  beforeEach(() => {
    const home = siteHome(makeScratchFolder());
    writeProfiles(home.credentialsFile, local);
    vi.stubEnv('AURORA_HOME', home.root);
    onTestFinished(() => void vi.unstubAllEnvs());
  });

  it.each([
    [{ url: 'http://127.0.0.1:3' }, {}],
    [{ url: 'https://127.0.0.1:1' }, {}],
    [{ ingestUrl: 'http://127.0.0.1.example.org:2' }, {}],
    [{ url: 'http://127.0.0.1:3', ingestUrl: 'http://127.0.0.1:2' }, {}],
    [{}, { AURORA_URL: 'http://127.0.0.1:3' }],
    [{}, { AURORA_INGEST_URL: 'http://127.0.0.1:3' }],
  ])('does not go to the address of another site: %j %j', (target, variables) => {
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
    expect(() => resolveConnection(target)).toThrow(
      expect.objectContaining({
        code: 'NO_CREDENTIALS',
        publicMessage: expect.stringMatching(/that of the profile "local" goes to .* alone; give one by --token/),
      }),
    );
  });

  it.each([
    { url: 'http://127.0.0.1:3' },
    { ingestUrl: 'http://127.0.0.1:3' },
    { profile: 'local', url: 'http://127.0.0.1:3' },
  ])('is not needed where another is given, which goes to no address but the one beside it: %j', (target) => {
    expect(resolveConnection({ ...target, token: 'given' }, 'ingest')).toMatchObject({
      url: 'http://127.0.0.1:3',
      token: 'given',
    });
    if ('url' in target) expect(resolveConnection({ ...target, token: 'given' }).url).toBe(target.url);
    else expect(() => resolveConnection({ ...target, token: 'given' })).toThrow('No gateway');
    expect(doorsOf({ token: 'given' })).toMatchObject({ url: profile.url, ingestUrl: profile.ingestUrl });
  });

  it.each([0o600, 0o640, 0o604])('is used with a warning where others may read it: mode %o', (mode) => {
    const file = siteHome(process.env.AURORA_HOME ?? '').credentialsFile;
    chmodSync(file, mode);
    const warn = vi.spyOn(console, 'error').mockReturnValue();
    onTestFinished(() => void warn.mockRestore());
    expect(chooseConnection({}).token).toBe('secret');
    const warned = [[expect.stringContaining(`others than its owner may read ${file}`)]];
    expect(warn.mock.calls).toEqual(mode === 0o600 ? [] : warned);
    expect(checkCredentials(siteHome(dirname(file))).state).toBe(mode === 0o600 ? 'ok' : 'warn');
    expect(chooseConnection({ token: 'given' }).token).toBe('given');
    resolveConnection({});
    expect(warn.mock.calls).toHaveLength(mode === 0o600 ? 0 : 1);
  });

  it("goes to its own site's addresses, however they are written", () => {
    const target = { url: 'http://127.0.0.1:1/graphql', ingestUrl: 'http://127.0.0.1:2/' };
    expect(doorsOf(target)).toMatchObject({ ...target, token: 'secret' });
  });
});

describe('what no request can carry', () => {
  const somewhere = { url: 'http://127.0.0.1:1', ingestUrl: 'http://127.0.0.1:2' };

  it.each(['a\nb', 'pässwort', 'a b', ''])('is no token: %j', (token) => {
    expect(() => resolveConnection({ ...somewhere, token })).toThrow(
      expect.objectContaining({ code: 'BAD_USER_INPUT', field: '--token' }),
    );
    if (token === '') return;
    vi.stubEnv('AURORA_TOKEN', token);
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(() => resolveConnection(somewhere)).toThrow(expect.objectContaining({ field: 'AURORA_TOKEN' }));
  });

  it.each([
    ['url', '--url'],
    ['ingestUrl', '--ingest-url'],
  ])('is no address: one with a login, which no message repeats (%s)', (which, field) => {
    const target = { ...somewhere, [which]: 'http://ann:hidden@127.0.0.1:1', token: 'x' };
    const refusal = expect.objectContaining({
      code: 'BAD_USER_INPUT',
      field,
      publicMessage: expect.not.stringContaining('hidden'),
    });
    expect(() => resolveConnection(target)).toThrow(refusal);
  });
});

describe('a profile that has the name of what every object has', () => {
  it.each(['constructor', 'toString', 'hasOwnProperty', '__proto__'])('is not there: %s', (name) => {
    const home = siteHome(makeScratchFolder());
    mkdirSync(home.keysDir, { recursive: true });
    writeApiKeys(home.apiKeysFile, []);
    vi.stubEnv('AURORA_HOME', home.root);
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(() => showToken(name)).toThrow(expect.objectContaining({ code: 'NOT_FOUND', field: 'PROFILE' }));
    expect(() => resolveConnection({ profile: name })).toThrow(expect.objectContaining({ code: 'NO_CREDENTIALS' }));
  });

  it.each(['', '../x', 'a\nb', '__proto__', 'a b', 'x'.repeat(65)])('is not saved: %j', async (save) => {
    const home = siteHome(makeScratchFolder());
    mkdirSync(home.keysDir, { recursive: true });
    writeApiKeys(home.apiKeysFile, []);
    const profile = { url: 'http://127.0.0.1:1', ingestUrl: 'http://127.0.0.1:2', tenant: TENANTS.local, token: 'x' };
    writeProfiles(home.credentialsFile, { local: profile });
    vi.stubEnv('AURORA_HOME', home.root);
    onTestFinished(() => void vi.unstubAllEnvs());
    const making = createToken({ tenant: 'local', role: ['viewer'], subject: 'cli', kind: 'user', save });
    await expect(making).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field: '--save' });
    expect(readApiKeys(home.apiKeysFile)).toEqual([]);
  });
});

describe('tenant erase', () => {
  const options = { reason: 'test', wait: 0 };
  const leaver = newId();
  const asking = makeKey(newId(), 'site-admin');
  const keys = [asking, makeKey(leaver, 'viewer'), makeKey(leaver, 'analyst'), makeKey(newId(), 'viewer')];
  let home: SiteHome;

  beforeEach(() => {
    home = siteHome(makeScratchFolder());
    mkdirSync(home.keysDir, { recursive: true });
    vi.stubEnv('AURORA_HOME', home.root);
    vi.spyOn(console, 'log').mockImplementation(() => undefined);
    onTestFinished(() => {
      vi.unstubAllEnvs();
      vi.restoreAllMocks();
    });
  });

  const told = () => vi.mocked(console.log).mock.calls.flat().join('\n');

  async function erase(json: boolean): Promise<string> {
    const url = await startErasingSite(leaver);
    await eraseTenant(leaver, { ...options, yes: true, url, token: asking.text, json });
    return told();
  }

  it('does nothing unless somebody confirms it', async () => {
    await expect(eraseTenant(leaver, options)).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field: '--yes' });
    await expect(eraseTenant('nobody', { ...options, yes: true })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    await expect(eraseTenant(leaver, { ...options, yes: true })).rejects.toMatchObject({ code: 'NO_CREDENTIALS' });
  });

  it("revokes the tenant's keys and no others, and tells how many", async () => {
    const file = home.apiKeysFile;
    const write = () =>
      writeApiKeys(
        file,
        keys.map(({ key }) => key),
      );
    write();
    expect(await erase(false)).toContain(`API keys of it that were revoked in ${file}: 2`);
    expect(readApiKeys(file).map(({ tenant }) => tenant)).toEqual([asking.key.tenant, keys[3]?.key.tenant]);
    vi.mocked(console.log).mockClear();
    write();
    expect(JSON.parse(await erase(true))).toMatchObject({ state: 'ERASED', keys: { file, revoked: 2 } });
  });

  it('lets no key be made for the tenant any more, and asks whether one without keys is meant', async () => {
    const file = home.apiKeysFile;
    const warn = vi.spyOn(console, 'error').mockReturnValue();
    writeApiKeys(file, [asking.key]);
    await erase(false);
    expect(warn.mock.calls.flat()).toEqual([
      expect.stringContaining(`no API key of tenant ${leaver}; is that its id?`),
    ]);
    await erase(false);
    expect(warn, 'asked again').toHaveBeenCalledTimes(1);
    const create = (tenant: string) => createToken({ tenant, role: ['viewer'], subject: 'cli', kind: 'user' });
    await expect(create(leaver)).rejects.toMatchObject({ code: 'TENANT_ERASED', field: '--tenant' });
    expect(readApiKeys(file)).toEqual([asking.key]);
    await create(newId());
    expect(readApiKeys(file)).toHaveLength(2);
  });

  it('names the erasure also when something fails that nobody has words for, which stays what it is', async () => {
    const file = home.apiKeysFile;
    writeApiKeys(file, [asking.key, makeKey(leaver, 'viewer').key]);
    mkdirSync(`${file}.${process.pid}.tmp`);
    await expect(erase(true)).rejects.toMatchObject({ name: 'Error', code: 'EISDIR' });
    expect(JSON.parse(told())).toMatchObject({ id: expect.any(String), tenantId: leaver, keys: { revoked: 0 } });
  });

  it('tells that the keys stay where their file is not here', async () => {
    const file = home.apiKeysFile;
    expect(await erase(false)).toContain(`No API key of it was revoked: ${file} does not exist`);
    vi.mocked(console.log).mockClear();
    expect(JSON.parse(await erase(true)).keys).toEqual({ file, revoked: 0, problem: 'NO_KEY_FILE' });
  });

  it("leaves the file of another site alone, and tells that this site's keys stay", async () => {
    const file = home.apiKeysFile;
    const others = keys.slice(1).map(({ key }) => key);
    writeApiKeys(file, others);
    expect(await erase(false)).toMatch(/No API key of it was revoked: .* is of another site/);
    vi.mocked(console.log).mockClear();
    expect(JSON.parse(await erase(true)).keys).toEqual({ file, revoked: 0, problem: 'OTHER_KEY_FILE' });
    expect(readApiKeys(file)).toEqual(others);
  });

  it('waits on through a gateway that is away for a while', async () => {
    const url = await startErasingSite(leaver, 2);
    await eraseTenant(leaver, { reason: 'test', wait: 30, yes: true, url, token: asking.text, json: true });
    expect(JSON.parse(told())).toMatchObject({ state: 'ERASED' });
  });

  it('tells the erasure and which keys went when the gateway stays away', async () => {
    writeApiKeys(
      home.apiKeysFile,
      keys.map(({ key }) => key),
    );
    const url = await startErasingSite(leaver, Number.POSITIVE_INFINITY);
    onTestFinished(() => {
      process.exitCode = undefined;
    });
    const erasing = eraseTenant(leaver, { reason: 'test', wait: 1, yes: true, url, token: asking.text, json: true });
    const error = await erasing.catch((thrown: unknown) => thrown);
    const { id, ...facts } = JSON.parse(told());
    expect(facts).toMatchObject({ state: 'ERASING', keys: { revoked: 2 } });
    expect(error).toMatchObject({ code: 'SERVICE_UNAVAILABLE', publicMessage: expect.stringContaining(id) });
  });
});

function makeKey(tenant: string, role: Role) {
  return createApiKey({ tenant, subject: 'somebody', kind: 'user', roles: [role] });
}

/**
 * Stands in for a site whose erasures end at once, or behind so many looks that get no answer.
 *
 * @returns its address
 */
async function startErasingSite(tenantId: string, failures = 0): Promise<string> {
  const erasure = { __typename: 'TenantErasure', id: newId(), tenantId, state: 'ERASED', domains: [] };
  let requests = 0;
  const server = createServer((_, response) => {
    const isAsked = requests++ === 0;
    if (!isAsked && requests <= failures + 1) return void response.destroy();
    response.writeHead(200, { 'content-type': 'application/json' });
    const data = isAsked
      ? { eraseTenant: failures > 0 ? { ...erasure, state: 'ERASING' } : erasure }
      : { tenantErasure: erasure };
    response.end(JSON.stringify({ data }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
