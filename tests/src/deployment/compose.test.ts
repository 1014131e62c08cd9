/** The containers of docker-compose.yml together, as processes: every role by its own command, variables and health check. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type GraphClient } from '@aurorasoc/cli/client';
import { ROLE_NAMES } from '@aurorasoc/cli/roles';
import { newId } from '@aurorasoc/kit/ids';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { aurora } from '../support/cli.js';
import { readRepositoryFile, readServices } from '../support/compose.js';
import { ComposeProcesses, type Places } from '../support/compose-processes.js';
import { eventually } from '../support/wait.js';

const DATABASE = 'aurora_compose';
/** Other tests use the first few. */
const REDIS_DATABASE = 14;
const READY_WITHIN_MS = 240_000;
const VERDICT_WITHIN_MS = 120_000;

interface Alerts {
  readonly alerts: { readonly nodes: readonly { readonly investigations: readonly { verdict: unknown }[] }[] };
}

interface SiteHealth {
  readonly siteHealth: { readonly services: readonly { readonly name: string; readonly state: string }[] };
}

let home: string;
let processes: ComposeProcesses;
let token: string;
let client: GraphClient;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'aurora-compose-'));
  // Logins are the server's, so the databases of a run share one secret; the service `keys` leaves it as it is.
  mkdirSync(join(home, 'keys'));
  copyFileSync(inject('secretFile'), join(home, 'keys', 'secret'));
  const services = readServices({ POSTGRES_PASSWORD: 'unused', REDIS_PASSWORD: 'unused', MQTT_PASSWORD: 'unused' });
  processes = new ComposeProcesses(services, { home, ...(await prepareServices()) });
  await processes.run('keys');
  await processes.run('migrate');
  token = (await processes.run('keys', ['token', 'create', '--role', 'admin', '--tenant', 'sample'])).trim();
  client = createClient({ url: `http://${processes.addressOf('gateway')}:8000`, token });
  for (const role of ROLE_NAMES) processes.start(role);
  for (const role of ROLE_NAMES) await eventually(() => processes.isReady(role), Boolean, READY_WITHIN_MS);
}, READY_WITHIN_MS + 30_000);

afterAll(async () => {
  await processes?.stop();
  rmSync(home, { recursive: true, force: true });
});

async function prepareServices(): Promise<Omit<Places, 'home'>> {
  const postgresUrl = new URL(inject('postgresUrl'));
  const admin = new Client({ connectionString: postgresUrl.href });
  await admin.connect();
  await admin.query(`create database ${DATABASE}`);
  await admin.end();
  postgresUrl.pathname = `/${DATABASE}`;
  const redisUrl = new URL(inject('redisUrl'));
  redisUrl.pathname = `/${REDIS_DATABASE}`;
  const redis = new Redis(redisUrl.href);
  await redis.flushdb();
  redis.disconnect();
  return { postgresUrl: postgresUrl.href, redisUrl: redisUrl.href, mqttUrl: inject('mqttUrl') };
}

describe('the containers', { timeout: VERDICT_WITHIN_MS + 60_000 }, () => {
  it('are healthy, each by its own health check', async () => {
    for (const role of ROLE_NAMES) await processes.checkHealth(role);
  });

  it('take events at the door of ingest, and bring a verdict to the one of the graph', async () => {
    const ingest = `http://${processes.addressOf('ingest')}:8010`;
    const played = await aurora(['sample', 'play', '--fast', '--ingest-url', ingest, '--token', token]);
    expect(played.code, played.stderr).toBe(0);
    await eventually(
      () => client.query<Alerts>('{ alerts(first: 50) { nodes { investigations { verdict { disposition } } } } }'),
      ({ alerts }) => alerts.nodes.some(({ investigations }) => investigations.some(({ verdict }) => verdict !== null)),
      VERDICT_WITHIN_MS,
    );
  });

  it('find each other: the site sees every role ready', async () => {
    const { siteHealth } = await eventually(
      () => client.query<SiteHealth>('{ siteHealth { services { name state } } }'),
      ({ siteHealth: { services } }) => services.every(({ state }) => state === 'UP'),
    );
    expect(siteHealth.services.map(({ name }) => name).toSorted()).toEqual([...ROLE_NAMES].toSorted());
  });

  it('erase a tenant and revoke its keys, by a command where the key file is', async () => {
    const leaver = newId();
    await processes.run('keys', ['token', 'create', '--role', 'viewer', '--tenant', leaver]);
    const siteAdmin = (await processes.run('keys', ['token', 'create', '--role', 'site-admin'])).trim();
    const where = ['--url', `http://${processes.addressOf('gateway')}:8000`, '--token', siteAdmin];
    const erase = ['tenant', 'erase', leaver, '--reason', 'left', '--yes', '--json', ...where];
    expect(JSON.parse(await processes.run('keys', erase))).toMatchObject({ state: 'ERASED', keys: { revoked: 1 } });
  });

  it('tell every metric that the dashboard shows', async () => {
    const dashboard = readRepositoryFile('deploy/grafana/dashboards/site.json');
    const shown = new Set([...dashboard.matchAll(/\b(?:aurora|ingest)_[a-z_]+/g)].map(([name]) => name));
    const scraped = await Promise.all(
      ['gateway:8000', 'ingest:8010', 'alerts-worker:4101'].map(async (target) => {
        const [service = '', port] = target.split(':');
        return (await fetch(`http://${processes.addressOf(service)}:${port}/metrics`)).text();
      }),
    );
    const told = new Set([...scraped.join('').matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
    const missing = [...shown].filter((name) => !told.has(name) && !told.has(name.replace(/_bucket$/, '')));
    expect(missing).toEqual([]);
  });

  it('end when they are told to', async () => {
    const codes = await processes.stop();
    expect(codes).toEqual(Object.fromEntries(ROLE_NAMES.map((role) => [role, 0])));
  });
});
