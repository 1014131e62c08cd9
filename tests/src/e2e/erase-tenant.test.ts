/**
 * A tenant leaves the site: every domain is filled through its public door for two tenants, one of them is erased, and what
 * is left of it is looked for in every table, every key of Redis and every public field.
 */
import { generateKeyPairSync } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createClient, type GraphClient } from '@aurorasoc/cli/client';
import { DOMAIN_NAMES } from '@aurorasoc/cli/roles';
import { NO_TENANT, newId } from '@aurorasoc/kit/ids';
import { TENANTS } from '@aurorasoc/kit/tenants';
import { encode } from 'cborg';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aurora } from '../support/cli.js';
import { shadowCopiesDeleted, toNdjson } from '../support/events.js';
import { playbookOf } from '../support/playbooks.js';
import { postEvents } from '../support/public-doors.js';
import { type RunningSite, startTestSite } from '../support/site.js';
import { eventually } from '../support/wait.js';

const INGEST = 'aurora:ingest:events:0';
const TELEMETRY = 'aurora:devices:telemetry:0';

interface Inhabitant {
  readonly tenant: string;
  /** A word that all of its data holds, and nobody else's. */
  readonly mark: string;
  readonly client: GraphClient;
  device: string;
}

let site: RunningSite;
let redis: Redis;
let admin: Client;
let leaver: Inhabitant;
let stayer: Inhabitant;

async function createKey(tenant: string, role: string): Promise<string> {
  const args = ['token', 'create', '--role', role, '--subject', `${role} of ${tenant}`, '--tenant', tenant];
  const { code, stdout, stderr } = await aurora(args, { env: site.cliEnvironment });
  expect(code, stderr).toBe(0);
  return stdout.trim();
}

/** @param token - of an admin of the tenant. */
async function settle(tenant: string, mark: string, token: string): Promise<Inhabitant> {
  const client = createClient({ url: site.site.urls.gateway, token });
  await postEvents(site, toNdjson([shadowCopiesDeleted(mark)]), token);
  const inhabitant = { tenant, mark, client, device: await enrol(client, mark) };
  await putTelemetry(inhabitant, 1);
  await client.query(
    `mutation ($memory: RememberInput!, $playbook: SavePlaybookInput!, $rules: ImportDetectionRulesInput!) {
      remember(input: $memory) { id }
      savePlaybook(input: $playbook) { __typename }
      importDetectionRules(input: $rules) { __typename }
    }`,
    {
      memory: { tier: 'SEMANTIC', title: mark, text: `Backups of ${mark} run at night` },
      playbook: { document: JSON.stringify(playbookOf(mark)) },
      rules: { documents: [{ name: 'own.yml', text: ruleOf(mark) }] },
    },
  );
  // Somebody wrote what nobody can read; replayed, it is given up once more.
  await redis.xadd(INGEST, '*', 'id', newId(), 'tenant', tenant, 'note', mark);
  const letters = () =>
    client.query<{ deadLetters: { nodes: { id: string; stream: string }[] } }>(
      '{ deadLetters { nodes { id stream } } }',
    );
  const { deadLetters } = await eventually(letters, (found) => found.deadLetters.nodes.length === 2, 20_000);
  await client.query(
    'mutation ($stream: String!, $id: ID!) { replayDeadLetter(stream: $stream, id: $id) { __typename } }',
    { ...deadLetters.nodes[0] },
  );
  await eventually(letters, (found) => found.deadLetters.nodes.length === 2, 20_000);
  // The investigation of the alert, and what memory keeps of it.
  await eventually(
    () => client.query<{ memoryEntries: { nodes: unknown[] } }>('{ memoryEntries { nodes { id } } }'),
    (found) => found.memoryEntries.nodes.length === 2,
    30_000,
  );
  return inhabitant;
}

async function enrol(client: GraphClient, name: string): Promise<string> {
  const { createEnrolmentToken } = await client.query<{ createEnrolmentToken: { token: string } }>(
    'mutation { createEnrolmentToken(input: {}) { token } }',
  );
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' });
  const input = { ...createEnrolmentToken, name, model: 'm', firmwareVersion: '1', publicKey: key.toString() };
  const { enrolDevice } = await client.query<{ enrolDevice: { id: string } }>(
    'mutation ($input: EnrolDeviceInput!) { enrolDevice(input: $input) { ... on Device { id } } }',
    { input },
  );
  return enrolDevice.id;
}

/** As ingest does. @returns the batch's id. */
async function putTelemetry({ device, mark }: Inhabitant, seq: number): Promise<string> {
  const id = newId();
  const body = Buffer.from(encode({ seq, ts: Date.now(), metrics: { [mark]: seq } })).toString('base64');
  const fields = { id, v: '1', tenant: '', device, received: new Date().toISOString(), body };
  await redis.xadd(TELEMETRY, '*', ...Object.entries(fields).flat());
  return id;
}

function ruleOf(host: string): string {
  return [
    `title: ${host}`,
    `id: ${newId()}`,
    'level: low',
    'logsource: { category: process_creation, product: windows }',
    `detection: { selection: { CommandLine: ${host} }, condition: selection }`,
  ].join('\n');
}

interface Table {
  readonly name: string;
  readonly hasTenant: boolean;
  /** What the schema says of it. */
  readonly comment: string | null;
}

async function listTables(): Promise<Table[]> {
  const { rows } = await admin.query<Table>(
    `select n.nspname || '.' || c.relname as name, obj_description(c.oid, 'pg_class') as comment,
       exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant') as "hasTenant"
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = any ($1) and c.relkind in ('r', 'p') and not c.relispartition order by 1`,
    [DOMAIN_NAMES],
  );
  return rows;
}

/** How many rows of each table are the tenant's; tables without any are left out. */
async function countRows(tenant: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const { name } of (await listTables()).filter(({ hasTenant }) => hasTenant)) {
    const { rows } = await admin.query<{ n: string }>(`select count(*) as n from ${name} where tenant = $1`, [tenant]);
    if (Number(rows[0]?.n) > 0) counts.set(name, Number(rows[0]?.n));
  }
  return counts;
}

/** The same, once all that happened is in its Merkle logs, which follow a second behind. */
function countWhenSealed(tenant: string): Promise<Map<string, number>> {
  return eventually(
    () => countRows(tenant),
    (rows) => DOMAIN_NAMES.every((name) => rows.get(`${name}.event_leaf`) === rows.get(`${name}.event_position`)),
  );
}

/** Tables that hold the word in any column of any row, also inside of bytes. */
async function findWord(word: string): Promise<string[]> {
  const found: string[] = [];
  for (const { name } of await listTables()) {
    const { rowCount } = await admin.query(
      `select 1 from ${name} t where t::text ilike $1 or t::text ilike $2 limit 1`,
      [`%${word}%`, `%${Buffer.from(word).toString('hex')}%`],
    );
    if (rowCount) found.push(name);
  }
  return found;
}

/** Streams and hashes of Redis that hold the word. */
async function findKeys(word: string): Promise<string[]> {
  const found: string[] = [];
  for (const key of await redis.keys('*')) {
    const kind = await redis.type(key);
    const value =
      kind === 'stream' ? await redis.xrange(key, '-', '+') : kind === 'hash' ? await redis.hgetall(key) : '';
    if (JSON.stringify(value).includes(word)) found.push(key);
  }
  return found.sort();
}

const READ_ALL = `{
  events { nodes { id } } alerts { nodes { id } } detectionRules { nodes { id title } }
  investigations { nodes { id } } memoryEntries { nodes { id } } recall(query: "backups") { hits { score } }
  playbooks { nodes { id } } devices { nodes { id } } deadLetters { nodes { id } }
}`;

/** Everything that a member of the tenant can list; the rules that the product brings are nobody's. */
async function readAll(client: GraphClient): Promise<Record<string, number>> {
  const answer = await client.query<Record<string, { nodes?: { title?: string }[]; hits?: unknown[] }>>(READ_ALL);
  return Object.fromEntries(
    Object.entries(answer).map(([name, { nodes, hits }]) => [
      name,
      name === 'detectionRules'
        ? (nodes ?? []).filter(({ title }) => title?.startsWith('WS-')).length
        : (nodes ?? hits ?? []).length,
    ]),
  );
}

function followMemory(client: GraphClient) {
  const types: string[] = [];
  const leave = new AbortController();
  const state = { hasEnded: false };
  const following = client
    .follow<{ __typename: string }>(
      `subscription { memoryChanged {
        __typename ... on MemoryChange { cursor } ... on CaughtUp { cursor } ... on ResyncRequired { since reason }
      } }`,
      {},
      { signal: leave.signal, onItem: ({ __typename }) => void types.push(__typename) },
    )
    .catch(() => undefined)
    .finally(() => Object.assign(state, { hasEnded: true }));
  return {
    types,
    hasEnded: () => state.hasEnded,
    leave: async () => {
      leave.abort();
      await following;
    },
  };
}

beforeAll(async () => {
  site = await startTestSite();
  redis = new Redis(site.site.serviceUrl('redis'));
  admin = new Client({ connectionString: site.site.serviceUrl('postgres') });
  await admin.connect();
  const tenant = newId();
  const token = await createKey(tenant, 'admin');
  [leaver, stayer] = await Promise.all([
    settle(tenant, 'WS-LEAVER', token),
    settle(site.site.profiles.local.tenant, 'WS-STAYER', site.token),
  ]);
});

afterAll(async () => {
  redis?.disconnect();
  await admin?.end();
  await site?.stop();
});

describe('eraseTenant', () => {
  it('is refused to every admin of a tenant, and to who does not confirm', async () => {
    const erase = 'mutation ($input: EraseTenantInput!) { eraseTenant(input: $input) { __typename } }';
    const input = { tenantId: leaver.tenant, confirmation: leaver.tenant, reason: 'test' };
    for (const { client } of [leaver, stayer]) {
      for (const [document, variables] of [
        [erase, { input }],
        ['{ tenantErasures { nodes { id } } }', {}],
      ] as const) {
        const { errors } = await client.execute(document, variables);
        expect(errors.map(({ extensions }) => extensions?.code)).toEqual(['FORBIDDEN']);
      }
    }
    const own = newId();
    const client = createClient({ url: site.site.urls.gateway, token: await createKey(own, 'site-admin') });
    expect(await client.query(erase, { input: { ...input, confirmation: stayer.tenant } })).toEqual({
      eraseTenant: { __typename: 'ErasureNotConfirmed' },
    });
    for (const tenantId of [own, ...Object.values(TENANTS)]) {
      const standing = { ...input, tenantId, confirmation: tenantId };
      const refused = (await client.execute(erase, { input: standing })).errors.map(({ extensions }) => extensions);
      expect(refused).toEqual([expect.objectContaining({ code: 'BAD_USER_INPUT', field: 'input.tenantId' })]);
    }
    const { errors } = await client.execute('{ alerts { nodes { id } } }');
    expect(errors.map(({ extensions }) => extensions?.code)).toEqual(['FORBIDDEN']);
    expect(await client.query('{ tenantErasures { nodes { id } } }')).toEqual({ tenantErasures: { nodes: [] } });
  });

  it('leaves nothing of a tenant but ids and hashes, and its neighbour whole', async () => {
    const filled = await countWhenSealed(leaver.tenant);
    expect(new Set([...filled.keys()].map((name) => name.split('.')[0]))).toEqual(new Set(DOMAIN_NAMES));
    const before = { rows: await countWhenSealed(stayer.tenant), read: await readAll(stayer.client) };
    expect(
      Object.values(before.read).every((count) => count > 0),
      JSON.stringify(before.read),
    ).toBe(true);
    expect(await readAll(leaver.client)).toEqual(before.read);

    const live = followMemory(leaver.client);
    await eventually(
      () => live.types,
      (types) => types.includes('CaughtUp'),
    );

    const token = await createKey(stayer.tenant, 'site-admin');
    const args = ['tenant', 'erase', leaver.tenant, '--reason', 'contract ended', '--yes', '--json', '--token', token];
    const { code, stdout, stderr } = await aurora(args, { env: site.cliEnvironment });
    expect(code, stdout + stderr).toBe(0);
    const erasure = JSON.parse(stdout) as {
      id: string;
      state: string;
      domains: { domain: string; state: string; tables: object[] }[];
    };
    expect(erasure.domains.map(({ domain, state }) => `${domain} ${state}`)).toEqual(
      DOMAIN_NAMES.toSorted().map((name) => `${name} ERASED`),
    );
    expect(erasure.domains.filter(({ tables }) => tables.length === 0)).toEqual([]);

    // A domain's backup brings the tenant back. Asked again the erasure is the same one, and is done again.
    for (const table of ['erasure_request', 'erased_tenant'])
      await admin.query(`delete from alerts.${table} where tenant = $1`, [leaver.tenant]);
    await admin.query('insert into alerts.rule_set values ($1, 1)', [leaver.tenant]);
    const siteAdmin = createClient({ url: site.site.urls.gateway, token });
    const facts = 'id state reason requestedBy { id }';
    const { eraseTenant: again } = await siteAdmin.query<{ eraseTenant: object }>(
      `mutation ($input: EraseTenantInput!) { eraseTenant(input: $input) { ... on TenantErasure { ${facts} } } }`,
      { input: { tenantId: leaver.tenant, confirmation: leaver.tenant, reason: 'again' } },
    );
    expect(again).toEqual({
      id: erasure.id,
      state: 'ERASING',
      reason: 'contract ended',
      requestedBy: { id: `site-admin of ${stayer.tenant}` },
    });
    const listed = await eventually(
      () =>
        siteAdmin.query<{ tenantErasures: { nodes: { state: string }[] } }>(
          `{ tenantErasures { nodes { ${facts} } } }`,
        ),
      ({ tenantErasures }) => tenantErasures.nodes[0]?.state === 'ERASED',
      30_000,
    );
    expect(listed.tenantErasures.nodes).toEqual([{ ...again, state: 'ERASED' }]);

    const kept = (await listTables()).filter(({ comment }) => comment?.startsWith('outlives erasure: '));
    const keptNames = new Set(kept.map(({ name }) => name));
    expect([...(await countRows(leaver.tenant)).keys()].filter((name) => !keptNames.has(name))).toEqual([]);
    expect(await findWord(leaver.mark)).toEqual([]);
    expect(await findWord(stayer.mark)).not.toEqual([]);
    expect(await findKeys(leaver.mark)).toEqual([]);
    // Telemetry names its device alone.
    expect(await findKeys(leaver.device)).toEqual([]);
    // Requests and answers name it, on streams of their own and among the events of the site.
    const naming = await findKeys(leaver.tenant);
    expect(naming.filter((key) => !/^aurora:[a-z]+:(erased|erasures|events)$/.test(key))).toEqual([]);
    expect({ rows: await countRows(stayer.tenant), read: await readAll(stayer.client) }).toEqual(before);
    // Whichever comes first: it is told to query again, or its key's end reaches the socket.
    await eventually(
      () => live.types.includes('ResyncRequired') || live.hasEnded(),
      (isOver) => isOver,
    );
    await live.leave();
    expect(live.types).not.toContain('MemoryChange');
    const { errors } = await leaver.client.execute('{ me: __typename }');
    expect(errors.map(({ extensions }) => extensions?.code)).toEqual(['UNAUTHENTICATED']);
  });

  it('lets the audit log of every tenant verify, the erased one’s and the site’s own', async () => {
    const verify = (tenant: string) =>
      aurora(['audit', 'verify', '--tenant', tenant, '--json'], { env: site.cliEnvironment });
    const tenants = [leaver.tenant, stayer.tenant, NO_TENANT];
    for (const [index, { code, stdout, stderr }] of (await Promise.all(tenants.map(verify))).entries()) {
      expect(code, stdout + stderr).toBe(0);
      const reports = JSON.parse(stdout) as Record<string, { size: number; withoutEvent: number }>;
      for (const [domain, { size, withoutEvent }] of Object.entries(reports)) {
        expect(size, domain).toBeGreaterThan(0);
        expect(withoutEvent, domain).toBe(index === 0 ? size : 0);
      }
    }
  });

  it('lets nothing of it come back, whatever was under way', async () => {
    const refused = await aurora(['token', 'create', '--role', 'admin', '--tenant', leaver.tenant], {
      env: site.cliEnvironment,
    });
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('TENANT_ERASED (--tenant)') });
    // A key that somebody makes for it all the same, where it is not known that it was erased.
    rmSync(join(site.home, 'keys', 'erased-tenants.json'));
    const token = await createKey(leaver.tenant, 'admin');
    const client = createClient({ url: site.site.urls.gateway, token });
    const read = await eventually(
      () => readAll(client).catch(() => undefined),
      (answer) => answer !== undefined,
    );
    expect(
      Object.values(read ?? {}).every((count) => count === 0),
      JSON.stringify(read),
    ).toBe(true);
    const { errors } = await client.execute('mutation ($input: RememberInput!) { remember(input: $input) { id } }', {
      input: { tier: 'SEMANTIC', title: leaver.mark, text: leaver.mark },
    });
    expect(errors.map(({ extensions }) => extensions?.code)).toEqual(['TENANT_ERASED']);

    await postEvents(site, toNdjson([shadowCopiesDeleted(leaver.mark)]), token);
    await redis.xadd(INGEST, '*', 'id', newId(), 'tenant', leaver.tenant, 'note', leaver.mark);
    const batch = await putTelemetry(leaver, 2);
    const metrics = async () => (await fetch(`${site.site.urls.ingest}/metrics`)).text();
    await eventually(metrics, (text) => /^ingest_unacknowledged_events(\{.*\})? 0$/m.test(text), 20_000);
    // Storage has discarded it, so ingest knows.
    await expect(postEvents(site, toNdjson([shadowCopiesDeleted(leaver.mark)]), token)).rejects.toThrow(
      'TENANT_ERASED',
    );
    await eventually(
      async () => JSON.stringify(await redis.xrange('aurora:devices:acknowledgements', '-', '+')),
      (text) => text.includes(batch),
      20_000,
    );
    expect(await findWord(leaver.mark)).toEqual([]);
    expect(await findWord(leaver.device)).toEqual(['devices.device_directory']);
    await admin.query('update devices.device_directory set online_until = now() where device_id = $1', [leaver.device]);
    await eventually(
      () =>
        admin.query('select from devices.device_directory where device_id = $1 and online_until is null', [
          leaver.device,
        ]),
      ({ rowCount }) => rowCount === 1,
      20_000,
    );
    // The next sweep trims what every group has read past, at the latest half a take-over time later.
    await eventually(
      async () => [...(await findKeys(leaver.mark)), ...(await findKeys(leaver.device))],
      (keys) => keys.length === 0,
      30_000,
    );
  });
});
