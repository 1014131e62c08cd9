import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningServices, startServices } from '@aurorasoc/cli/services';
import type { Principal } from '@aurorasoc/kit/auth';
import { Database, migrateDomain } from '@aurorasoc/kit/database';
import type { DomainRuntime } from '@aurorasoc/kit/domain';
import { ERASURE_REQUESTED, erasedSubject, erasureAnswers } from '@aurorasoc/kit/erasure';
import { EventRecorder } from '@aurorasoc/kit/events';
import { Health } from '@aurorasoc/kit/health';
import { NO_TENANT, newId } from '@aurorasoc/kit/ids';
import { createLog } from '@aurorasoc/kit/log';
import { parseEntry } from '@aurorasoc/kit/streams';
import { migrations } from '@aurorasoc/migrations/federation';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { federationEvents } from '../events.js';
import { noteErased } from './note-erased.js';
import { requestErasure } from './request-erasure.js';
import { TenantErasure } from './tenant-erasure.entity.js';

const folder = mkdtempSync(join(tmpdir(), 'aurora-federation-'));
const DOMAINS = ['alerts', 'memory'];
const principal: Principal = {
  kind: 'user',
  subject: 'root',
  tenant: newId(),
  scopes: ['site:administer'],
};
const noting = createLog('federation', 'silent');
const recorder = new EventRecorder('federation', 'test', federationEvents);

let services: RunningServices;
let admin: Client;
let database: Database;

beforeAll(async () => {
  services = await startServices({
    dataDir: join(folder, 'services'),
    services: ['postgres'],
    durable: false,
    log: () => undefined,
  });
  const url = services.postgres?.url ?? '';
  const secret = randomBytes(48);
  const log = createLog('federation', 'silent');
  await migrateDomain({ domain: 'federation', adminUrl: url, secret, migrations, log });
  const health = new Health('federation');
  const entities = [TenantErasure];
  database = await Database.open({ domain: 'federation', role: 'svc', url, secret, entities, log, health });
  admin = new Client({ connectionString: url });
  await admin.connect();
});

afterAll(async () => {
  await admin?.end();
  await database?.close();
  await services?.stop();
  rmSync(folder, { recursive: true, force: true });
});

afterEach(() => void vi.restoreAllMocks());

const ask = (tenant: string) =>
  requestErasure({ runtime: { database } as DomainRuntime, recorder, domains: DOMAINS }, principal, tenant, 'test');

/** Asks for the erasure. @returns its id, and that of the request. */
async function request(tenant: string): Promise<{ erasureId: string; requestId: string }> {
  const { id: erasureId } = await ask(tenant);
  const { rows } = await admin.query<{ id: string }>(
    'select id from federation.event where subject = $1 and type = $2 order by version desc limit 1',
    [erasureId, ERASURE_REQUESTED],
  );
  return { erasureId, requestId: rows[0]?.id ?? '' };
}

/** As the domain's relay publishes it. */
async function answer(domain: string, erasureId: string, requestId?: string): Promise<void> {
  const data = { erasureId, requestId, tenantId: newId(), tables: { alert: 2 }, streamEntries: 0, deadLetters: 0 };
  const body = { time: new Date().toISOString(), actor: { kind: 'service', id: `${domain}/eraser` }, data };
  const fields = {
    id: newId(),
    type: 'tenant.erased',
    subject: erasedSubject(erasureId),
    tenant: NO_TENANT,
    body: JSON.stringify(body),
  };
  const note = noteErased(database, recorder, noting);
  await note([parseEntry(erasureAnswers(domain), ['1-0', Object.entries(fields).flat()])]);
}

const read = (id: string) => database.inTenant(NO_TENANT, (em) => em.findOneOrFail(TenantErasure, { id }));

/** Domains whose answers count. */
async function answered(id: string): Promise<string[]> {
  const { domains } = await read(id);
  return domains.filter(({ erasedAt }) => erasedAt !== null).map(({ domain }) => domain);
}

describe('an erasure', () => {
  it('that was asked for again waits for answers to that request', async () => {
    const tenant = newId();
    const first = await request(tenant);
    const id = first.erasureId;
    await answer('alerts', id, first.requestId);
    const second = await request(tenant);
    expect(second.erasureId).toBe(id);
    for (const domain of DOMAINS) await answer(domain, id, first.requestId);
    expect(await answered(id)).toEqual([]);
    await answer('memory', id, second.requestId);
    await answer('alerts', id, first.requestId);
    expect(await answered(id)).toEqual(['memory']);
    expect((await read(id)).completedAt).toBeNull();
    await answer('alerts', id, second.requestId);
    expect((await read(id)).completedAt).not.toBeNull();
  });

  it('takes an answer that names no request for one to the first', async () => {
    const tenant = newId();
    const { erasureId: id } = await request(tenant);
    for (const domain of DOMAINS) await answer(domain, id);
    expect((await read(id)).completedAt).not.toBeNull();
    await request(tenant);
    const warn = vi.spyOn(noting, 'warn');
    for (const domain of DOMAINS) await answer(domain, id);
    expect(await answered(id)).toEqual([]);
    const { requestId: awaitedId } = await request(tenant);
    await answer('memory', id);
    expect(warn.mock.calls.map(([facts]) => facts)).toMatchObject([
      ...DOMAINS.map((domain) => ({ domain, erasureId: id, requestId: undefined })),
      { domain: 'memory', erasureId: id, requestId: undefined, awaitedId },
    ]);
  });

  it('that is not known here is not made up from its answer, which is logged', async () => {
    const warn = vi.spyOn(noting, 'warn');
    const id = newId();
    await answer('alerts', id, newId());
    expect(await database.inTenant(NO_TENANT, (em) => em.findOne(TenantErasure, { id }))).toBeNull();
    expect(warn).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ domain: 'alerts', erasureId: id }),
      expect.anything(),
    );
  });

  it('that is asked for again while an answer is noted is a later version than that makes', async () => {
    const tenant = newId();
    const { erasureId: id } = await request(tenant);
    await admin.query('begin');
    await admin.query('update federation.tenant_erasure set version = 2, completed_at = now() where id = $1', [id]);
    const asking = ask(tenant);
    const waiting = `select 1 as found from pg_stat_activity where wait_event_type = 'Lock' and usename = current_user`;
    try {
      await expect.poll(() => database.execute(waiting), { timeout: 10_000, interval: 10 }).toHaveLength(1);
    } finally {
      await admin.query('commit');
    }
    expect(await asking).toMatchObject({ id, version: 3, completedAt: null });
  });
});
