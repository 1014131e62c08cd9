/**
 * Redis is emptied in the middle of a load. What consumers made of the streams must then become what a replay of PostgreSQL makes
 * of them: the investigations of every alert, and what memory remembers of every investigation, which a second memory worker
 * with a database and a stream of its own makes afresh from the events' table.
 */
import type { Database } from '@aurorasoc/kit/database';
import { startEventPublisher } from '@aurorasoc/kit/events';
import { Health } from '@aurorasoc/kit/health';
import { newId } from '@aurorasoc/kit/ids';
import { createLog } from '@aurorasoc/kit/log';
import type { Redis } from '@aurorasoc/kit/streams';
import type { Client } from 'pg';
import { eventually } from '../../support/wait.js';
import { newIds, type OutcomeListener, openAlerts } from './clients.js';
import { now } from './history.js';
import type { Installation } from './installation.js';
import type { RoleProcess } from './role-process.js';

export interface WipeScene {
  readonly installation: Installation;
  readonly database: string;
  readonly alerts: Database;
  readonly redis: Redis;
  readonly listener: OutcomeListener;
  /** Of the domain agents; ended here, so that a replay can publish its events. */
  readonly workers: readonly RoleProcess[];
  /** What remembers, where it was started. */
  readonly memory: RoleProcess | undefined;
}

export interface WipeOutcome {
  readonly problems: readonly string[];
  /** From the last FLUSHALL to the moment from which the models were those of the replay, milliseconds. */
  readonly equalAfterMs: number;
  readonly episodes: number;
}

const WIPES = 2;
const PER_TRANSACTION = 10;
/** Behind it nobody waits any more; the goal is 60 s. */
const LONGEST_MS = 180_000;
const REPLAY = 'streams_soak_replay';

/** Every investigation by its alert: one for each that was opened. */
const INVESTIGATIONS = `select coalesce(md5(string_agg(alert_id::text, ',' order by alert_id::text)), '') as digest from agents.investigation`;
const OPENED = `select coalesce(md5(string_agg(subject, ',' order by subject)), '') as digest from alerts.event where type = 'alert.opened'`;
/** All of an entry but its own id and the time at which it was written. */
const EPISODES = `select coalesce(md5(string_agg(concat_ws('|', tenant, tier, title, text, source_kind, source_id, alert_id, trust, tags::text, author_kind, author_id, embedder, embedding::text), ',' order by source_id)), '') as digest from memory.entry`;
const ENDED = `select count(*)::text as digest from agents.event where type = 'investigation.completed'`;
const REMEMBERED = 'select count(*)::text as digest from memory.entry';

async function read(client: Client, query: string): Promise<string> {
  const { rows } = await client.query<{ digest: string }>(query);
  return rows[0]?.digest ?? '';
}

/** @param alerts - opened over the time of the wipes. */
export async function runWipes(scene: WipeScene, alerts: number): Promise<WipeOutcome> {
  const { installation, database, listener, redis } = scene;
  const site = await installation.openAdmin(database);
  // What was there before is remembered first: the load alone is what the wipes meet.
  await eventually(
    async () => [await read(site, REMEMBERED), await read(site, ENDED)],
    ([remembered, ended]) => remembered === ended,
    LONGEST_MS,
  );
  const opened: string[] = [];
  let wipedAt = 0;
  for (let wipe = 0; wipe <= WIPES; wipe++) {
    const tenant = newId();
    for (const until = opened.length + alerts / (WIPES + 1); opened.length < until; )
      opened.push(...(await openAlerts(scene.alerts, installation.clients, tenant, newIds(PER_TRANSACTION))));
    if (wipe === WIPES) break;
    await redis.flushall();
    wipedAt = now();
  }
  const models: { readonly at: number; readonly digest: string }[] = [];
  const look = async (): Promise<void> => {
    models.push({ at: now(), digest: `${await read(site, INVESTIGATIONS)} ${await read(site, EPISODES)}` });
  };
  await eventually(
    async () => {
      await look();
      const isRemembered = (await read(site, REMEMBERED)) === (await read(site, ENDED));
      return isRemembered && opened.every((alert) => listener.ended.has(alert));
    },
    (isSettled) => isSettled,
    LONGEST_MS,
  ).catch(() => undefined);
  await look();
  await Promise.all([...scene.workers, scene.memory].map((process) => process?.stop()));
  const fresh = `${await read(site, OPENED)} ${await replayEpisodes(scene, site)}`;
  const last = models.findLastIndex(({ digest }) => digest !== fresh);
  const equal = models[last + 1];
  return {
    problems: equal === undefined ? ['the models are not those of a replay'] : [],
    equalAfterMs: equal === undefined ? Number.POSITIVE_INFINITY : Math.round(equal.at - wipedAt),
    episodes: Number(await read(site, REMEMBERED)),
  };
}

/** What a memory worker that has never seen anything makes of the events that are in PostgreSQL. */
async function replayEpisodes({ installation, database, redis }: WipeScene, site: Client): Promise<string> {
  await installation.createDatabase(REPLAY, ['memory']);
  // The agents' workers are gone, so the log has nobody who publishes it; and its stream must be nobody else's.
  await redis.flushall();
  const publisher = startEventPublisher({
    domain: 'agents',
    databaseUrl: installation.relayUrl(database, 'agents'),
    redis: await installation.openRedis('replay'),
    routes: {},
    log: createLog('soak', 'silent'),
    health: new Health('soak'),
  });
  installation.onStop(() => publisher.stop());
  installation.startRole('memory-worker', 'memory-worker-replay', REPLAY);
  const replay = await installation.openAdmin(REPLAY);
  const expected = await read(site, ENDED);
  await eventually(
    () => read(replay, REMEMBERED),
    (remembered) => remembered === expected,
    LONGEST_MS,
  ).catch(() => undefined);
  return read(replay, EPISODES);
}
