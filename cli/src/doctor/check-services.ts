/** PostgreSQL, Redis and the MQTT broker: not only reachable but working, and agreed about the time. */
import { readFileSync } from 'node:fs';
import { AuroraError, describeError } from '@aurorasoc/kit/errors';
import pg from 'pg';
import { z } from 'zod';
import type { SiteEnvironment } from '../environment.js';
import type { SiteHome } from '../home/site-home.js';
import { CONNECTED, shakeHands } from '../services/mqtt-handshake.js';
import { checkRedis } from '../supervisor/check-redis.js';
import { type Finding, fail, ok, warn } from './finding.js';

const CONNECT_WITHIN_MS = 3_000;
const LEAST_POSTGRES = 16;
/** Tokens are accepted up to 5 s off; dedupe windows and SLA clocks compare times of different machines. */
const LARGEST_SKEW_MS = 2_000;

export interface ServiceUrls {
  readonly postgres?: string | undefined;
  readonly redis?: string | undefined;
  readonly mosquitto?: string | undefined;
}

/** What the environment names, else what the installation last ran with. */
export function findServiceUrls(environment: SiteEnvironment, home: SiteHome): ServiceUrls {
  const kept = readKeptUrls(home.serviceUrlsFile);
  const broker = environment.MQTT_URL ?? kept.mosquitto;
  return {
    postgres: environment.DATABASE_URL ?? kept.postgres,
    redis: environment.REDIS_URL ?? kept.redis,
    mosquitto: broker === 'off' ? undefined : broker,
  };
}

const urlsSchema = z.object({ postgres: z.string(), redis: z.string(), mosquitto: z.string() }).partial();

function readKeptUrls(file: string): ServiceUrls {
  try {
    return urlsSchema.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data ?? {};
  } catch {
    return {}; // never started, or not for this user to read: there is nothing to ask
  }
}

/** Those that ought to answer: all of a site that runs, else what the environment names, which runs without one. */
export function findExpectedUrls(environment: SiteEnvironment, home: SiteHome, isRunning: boolean): ServiceUrls {
  const { postgres, redis, mosquitto } = findServiceUrls(environment, home);
  return {
    postgres: isRunning || environment.DATABASE_URL !== undefined ? postgres : undefined,
    redis: isRunning || environment.REDIS_URL !== undefined ? redis : undefined,
    mosquitto: isRunning || environment.MQTT_URL !== undefined ? mosquitto : undefined,
  };
}

/** @param urls - of the services that ought to answer. */
export async function checkServices(urls: ServiceUrls): Promise<readonly Finding[]> {
  if (Object.values(urls).every((url) => url === undefined))
    return [ok('services', 'not running; a start brings them up')];
  return [
    ...(urls.postgres === undefined ? [] : await checkPostgres(urls.postgres)),
    ...(urls.redis === undefined ? [] : [await checkRedisService(urls.redis)]),
    ...(urls.mosquitto === undefined ? [] : [await checkBroker(urls.mosquitto)]),
  ];
}

async function checkPostgres(connectionString: string): Promise<readonly Finding[]> {
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    query_timeout: CONNECT_WITHIN_MS,
  });
  client.on('error', () => undefined); // the query that runs tells
  try {
    await client.connect();
    const askedAtMs = Date.now();
    const { rows } = await client.query(
      `select current_setting('server_version_num')::int / 10000 as version, clock_timestamp() as now`,
    );
    const { version, now } = z.object({ version: z.int(), now: z.date() }).parse(rows[0]);
    return [judgeVersion(version), judgeClock(now.getTime() - (askedAtMs + Date.now()) / 2)];
  } catch (error) {
    const { host } = new URL(connectionString);
    return [fail('postgres', `${host}: ${describeError(error)}`, 'start it, or correct DATABASE_URL')];
  } finally {
    await client.end().catch(() => undefined); // a connection that is gone is what was wanted
  }
}

function judgeVersion(version: number): Finding {
  return version >= LEAST_POSTGRES
    ? ok('postgres', `version ${version} answers queries`)
    : fail(
        'postgres',
        `version ${version} is older than ${LEAST_POSTGRES}`,
        `use PostgreSQL ${LEAST_POSTGRES} or newer`,
      );
}

function judgeClock(skewMs: number): Finding {
  const detail = `${Math.abs(Math.round(skewMs))} ms from PostgreSQL's`;
  return Math.abs(skewMs) <= LARGEST_SKEW_MS
    ? ok('clock', detail)
    : warn('clock', detail, 'synchronise both machines with NTP');
}

async function checkRedisService(url: string): Promise<Finding> {
  try {
    return ok('redis', `version ${await checkRedis(url)} takes and gives stream entries`);
  } catch (error) {
    const detail = error instanceof AuroraError ? error.publicMessage : describeError(error);
    return fail('redis', detail, 'start it, or correct REDIS_URL');
  }
}

async function checkBroker(url: string): Promise<Finding> {
  const reason = await shakeHands(url);
  if (reason === CONNECTED) return ok('mosquitto', 'lets clients in by MQTT v5');
  const { host } = new URL(url);
  return reason === undefined
    ? fail('mosquitto', `no MQTT v5 broker answers at ${host}`, 'start it, or correct MQTT_URL')
    : fail(
        'mosquitto',
        `the broker at ${host} refuses the login (reason 0x${reason.toString(16)})`,
        'correct the login in MQTT_URL',
      );
}
