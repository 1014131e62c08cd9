/**
 * A wiped Redis costs nothing: a whole site is at work in each of its six domains while Redis is emptied again and again. A
 * minute after the last time, what the graph shows of each domain is what its clients were told is done; and what every group
 * reads once more, in peace, changes nothing of it.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { createClient, type GraphClient } from '@aurorasoc/cli/client';
import { DOMAIN_NAMES } from '@aurorasoc/cli/roles';
import { eventStream } from '@aurorasoc/kit/events';
import { newId } from '@aurorasoc/kit/ids';
import { readLag } from '@aurorasoc/kit/streams';
import { Redis } from 'ioredis';
import { flushRedis } from '../support/flush-redis.js';
import { createToken } from '../support/public-doors.js';
import { between, seededRandom } from '../support/random.js';
import { type RunningSite, startTestSite } from '../support/site.js';
import { underFaults } from '../support/under-faults.js';
import { eventually } from '../support/wait.js';
import { type Check, check, deadline, inSeconds, say } from './check.js';
import { eraseTenant, type Ledger, newLedger, runLoad } from './wipes/load.js';
import { compareModels, expectedModels, readModels } from './wipes/models.js';

export interface WipesSoakOutcome {
  readonly name: 'wipes';
  readonly seed: number;
  readonly met: boolean;
  readonly passed: number;
  readonly total: number;
  readonly checks: readonly Check[];
}

const WIPES = 4;
const BETWEEN_MS = [5_000, 8_000] as const;
const EQUAL_WITHIN_MS = 60_000;
/** Behind it nobody waits any more. */
const LONGEST_MS = 180_000;

export async function soakWipes({ seed }: { readonly seed: number }): Promise<WipesSoakOutcome> {
  const site = await startTestSite({ env: { LOG_LEVEL: 'warn' } });
  try {
    const token = await createToken(site, 'site-admin', 'soak');
    const checks = await proveWipes(site, createClient({ url: site.urls.gateway, token }), seed);
    const passed = checks.filter(({ met }) => met).length;
    return { name: 'wipes', seed, met: passed === checks.length, passed, total: checks.length, checks };
  } finally {
    await site.stop();
  }
}

async function proveWipes(site: RunningSite, siteAdmin: GraphClient, seed: number): Promise<Check[]> {
  const random = seededRandom(seed);
  const ledger = newLedger();
  const over = new AbortController();
  let wipedAt = 0;
  const wipe = async (): Promise<void> => {
    for (let n = 0; n < WIPES; n++) {
      await wait(between(random, ...BETWEEN_MS));
      await eraseTenant(siteAdmin, await settle(site), ledger);
      await flushRedis(site);
      wipedAt = Date.now();
    }
    await wait(BETWEEN_MS[0]);
    over.abort();
  };
  await underFaults([wipe], ({ failed }) =>
    runLoad({ site, random, over: AbortSignal.any([over.signal, failed]) }, ledger),
  );
  say(describe(ledger));
  const [differences, equalAt] = await waitUntilEqual(site, siteAdmin, ledger);
  const checks = [
    ...DOMAIN_NAMES.map((domain) =>
      check(
        `${domain}: the read model is what clients were told is done`,
        !(domain in differences),
        differences[domain] ?? '',
      ),
    ),
    deadline(
      'FLUSHALL: all six are equal within 60 s',
      equalAt - wipedAt <= EQUAL_WITHIN_MS,
      inSeconds(equalAt - wipedAt),
    ),
  ];
  await replayAll(site);
  const replayed = compareModels(await readModels(site, siteAdmin, ledger.samples.keys()), expectedModels(ledger));
  return [
    ...checks,
    check(
      'what is read once more in peace changes nothing',
      Object.keys(replayed).length === 0,
      JSON.stringify(replayed),
    ),
  ];
}

/** A tenant with something in it, to be erased. @returns its id. */
async function settle(site: RunningSite): Promise<string> {
  const tenant = newId();
  const token = await createToken({ ...site, tenant }, 'admin', 'leaver');
  await createClient({ url: site.urls.gateway, token }).query(
    'mutation { remember(input: { tier: SEMANTIC, title: "Leaver", text: "Is going to go" }) { id } }',
  );
  return tenant;
}

async function waitUntilEqual(
  site: RunningSite,
  siteAdmin: GraphClient,
  ledger: Ledger,
): Promise<[ReturnType<typeof compareModels>, number]> {
  const expected = expectedModels(ledger);
  for (const until = Date.now() + LONGEST_MS; ; ) {
    const differences = compareModels(await readModels(site, siteAdmin, ledger.samples.keys()), expected);
    if (Object.keys(differences).length === 0 || Date.now() > until) return [differences, Date.now()];
    await wait(500);
  }
}

/** Empties Redis once more, and waits until each group that there was has read all that comes again. */
async function replayAll(site: RunningSite): Promise<void> {
  const redis = new Redis(site.serviceUrl('redis'));
  try {
    const logs = DOMAIN_NAMES.map(eventStream);
    const stood = await Promise.all(logs.map((stream) => lastPosition(redis, stream)));
    const groups = await listGroups(redis);
    await flushRedis(site);
    const hasAll = async (): Promise<boolean> =>
      (await Promise.all(logs.map((stream) => lastPosition(redis, stream)))).every((at, n) => at >= (stood[n] ?? 0)) &&
      (await Promise.all(groups.map(([stream, group]) => hasRead(redis, stream, group)))).every((isDone) => isDone);
    await eventually(hasAll, (isDone) => isDone, LONGEST_MS);
  } finally {
    redis.disconnect();
  }
}

async function lastPosition(redis: Redis, stream: string): Promise<number> {
  const [last] = await redis.xrevrange(stream, '+', '-', 'COUNT', 1);
  return Number.parseInt(last?.[0] ?? '0', 10);
}

async function listGroups(redis: Redis): Promise<[stream: string, group: string][]> {
  const streams = await redis.keys('aurora:*');
  const found: [string, string][] = [];
  for (const stream of streams) {
    if ((await redis.type(stream)) !== 'stream') continue;
    const groups = (await redis.xinfo('GROUPS', stream)) as unknown[][];
    found.push(...groups.map((facts) => [stream, String(facts[facts.indexOf('name') + 1])] as [string, string]));
  }
  return found;
}

/** Not as long as the group is still to be made anew. */
async function hasRead(redis: Redis, stream: string, group: string): Promise<boolean> {
  try {
    const [pending] = (await redis.xpending(stream, group)) as [number];
    return pending === 0 && (await readLag(redis, stream, group)) === 0;
  } catch {
    return false;
  }
}

function describe({ numbers, hosts, memories, samples, playbooks, erased }: Ledger): string {
  const telemetry = [...samples.values()].reduce((sum, count) => sum + count, 0);
  return `${numbers.length} events, ${hosts.size} alerts, ${memories.length} memories, ${telemetry} samples, ${playbooks.size} playbooks, ${erased.length} erased tenants`;
}
