/**
 * What holds of live fields whatever happens, as properties over drawn histories: people write, clients come and go and pause,
 * streams are wiped, parts are killed, a key is revoked.
 *
 * 1. A client that always resumes gets every event that it may see once, in order.
 * 2. Gateway and subgraph hold no more memory than the clients' queues.
 * 3. No upstream is open without a client.
 * 4. Two identities never share one.
 * 5. Nothing comes later than 5 s after a revocation.
 */
import { setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import { aurora } from '../support/cli.js';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import { flushRedis } from '../support/flush-redis.js';
import { residentBytes, upstreams } from '../support/gateway-process.js';
import { followAlerts, type LiveClient } from '../support/live-client.js';
import { createToken } from '../support/public-doors.js';
import { type RunningSite, startTestSite } from '../support/site.js';
import { eventually } from '../support/wait.js';
import { changesOf, finalVersions, openAlerts, orderProblem, type Versions } from './live.js';

export interface LivePropertiesOutcome {
  readonly name: 'live-properties';
  readonly seed: number;
  readonly met: boolean;
  /** Histories that ran. */
  readonly runs: number;
  /** The first history that broke a property, and which. */
  readonly failure: string | undefined;
}

type Step =
  | { readonly kind: 'write'; readonly times: number }
  | { readonly kind: 'join'; readonly identity: number }
  | { readonly kind: 'leave'; readonly client: number }
  /** Its line lets little through from then on. */
  | { readonly kind: 'slow'; readonly client: number }
  | { readonly kind: 'pause'; readonly ms: number }
  | { readonly kind: 'wipe' }
  | { readonly kind: 'kill'; readonly role: 'gateway' | 'alerts' | 'agents' };

const IDENTITIES = 3;
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('write' as const), times: fc.integer({ min: 1, max: 8 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('join' as const), identity: fc.nat({ max: IDENTITIES - 1 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('leave' as const), client: fc.nat({ max: 20 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('slow' as const), client: fc.nat({ max: 20 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pause' as const), ms: fc.integer({ min: 10, max: 400 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'wipe' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('kill' as const),
      role: fc.constantFrom('gateway' as const, 'alerts' as const, 'agents' as const),
    }),
  },
);
const history = fc.array(step, { minLength: 8, maxLength: 24 });

export async function soakLiveProperties({
  seed,
  runs = 30,
}: {
  seed: number;
  runs?: number;
}): Promise<LivePropertiesOutcome> {
  const site = await startTestSite({ env: { INVESTIGATE_FROM_SEVERITY: 'OFF' } });
  try {
    const failure = await proveLiveProperties(site, await openAlerts(site), { seed, runs });
    return { name: 'live-properties', seed, met: failure === undefined, runs, failure };
  } finally {
    await site.stop();
  }
}

/** @param ids - of all alerts of the tenant. @returns what broke, with the history that did; undefined when everything held. */
export async function proveLiveProperties(
  site: RunningSite,
  ids: readonly string[],
  { seed, runs }: { readonly seed: number; readonly runs: number },
): Promise<string | undefined> {
  // Of nobody that is revoked: it has the whole order to which the others are held.
  const witness = followAlerts(site.urls.gateway, site.token);
  await witness.ready;
  const since = await finalVersions(site, ids);
  const property = fc.asyncProperty(history, async (steps) => {
    const scene = await Scene.open(site, ids, { client: witness, since });
    for (const each of steps) await scene.take(each);
    await scene.judge();
  });
  // Shrinking would run hundreds of histories on real services; the seed repeats the one that failed.
  const details = await fc.check(property, { seed, numRuns: runs, endOnFailure: true });
  await witness.leave();
  return details.failed ? `${details.errorInstance}\n${fc.defaultReportMessage(details)}` : undefined;
}

const UPDATE =
  'mutation ($ids: [ID!]!, $input: UpdateAlertsInput!) { updateAlerts(ids: $ids, input: $input) { __typename } }';
const PER_WRITE = 5;
const SETTLE_MS = 60_000;
const MIB = 1_024 * 1_024;
/** Of one client at most, in the gateway. */
const QUEUE_MIB = 4;
/** What a process breathes, and what one that was just started needs until it has served its first requests. */
const BREATH_MIB = 128;
const SAMPLE_MS = 200;

/** Above a second, since the gateway's metrics are asked for over HTTP on a busy machine. */
const UNUSED_MS = 3_000;
const REVOKED_MS = 5_000;
const SLOW_BYTES = 200;
let scenes = 0;

interface Witness {
  readonly client: LiveClient;
  /** As they were when it came. */
  readonly since: Versions;
}

interface Joined {
  readonly identity: number;
  readonly line: FaultProxy;
  readonly client: LiveClient;
}

class Scene {
  readonly #here: Joined[] = [];
  readonly #left: Joined[] = [];
  readonly #sampling: NodeJS.Timeout;
  #peakMib = 0;
  #writes = 0;

  private constructor(
    private readonly running: RunningSite,
    private readonly ids: readonly string[],
    private readonly witness: Witness,
    private readonly tokens: readonly string[],
    private readonly beforeMib: number,
  ) {
    this.#sampling = setInterval(() => {
      this.#peakMib = Math.max(this.#peakMib, memoryOf(running));
    }, SAMPLE_MS).unref();
  }

  static async open(site: RunningSite, ids: readonly string[], witness: Witness): Promise<Scene> {
    scenes += 1;
    const names = Array.from({ length: IDENTITIES }, (_, n) => `person-${scenes}-${n}`);
    const tokens = await Promise.all(names.map((name) => createToken(site, 'analyst', name)));
    return new Scene(site, ids, witness, tokens, memoryOf(site));
  }

  async take(step: Step): Promise<void> {
    const { running } = this;
    switch (step.kind) {
      case 'write':
        for (let n = 0; n < step.times; n++) await this.#write();
        return;
      case 'join': {
        const line = await startFaultProxy(running.urls.gateway);
        const client = followAlerts(line.url, this.tokens[step.identity] ?? '');
        return void this.#here.push({ identity: step.identity, line, client });
      }
      case 'leave':
        this.#left.push(...this.#here.splice(step.client % Math.max(1, this.#here.length), 1));
        return void (await this.#left.at(-1)?.client.leave());
      case 'slow':
        return this.#here[step.client % Math.max(1, this.#here.length)]?.line.throttle(SLOW_BYTES);
      case 'pause':
        return wait(step.ms);
      case 'wipe':
        return flushRedis(running);
      case 'kill':
        return running.site.killRole(step.role, 'SIGKILL');
    }
  }

  /** Lets everything settle, and then holds what is there to each property. */
  async judge(): Promise<void> {
    await Promise.all(this.#here.map(({ line }) => line.heal()));
    await Promise.all(this.#here.map(({ client }) => client.ready));
    await this.#write();
    await this.#expectEachEventOnce();
    await this.#expectUpstreams();
    await this.#expectSilenceAfterRevocation();
    clearInterval(this.#sampling);
    const most = this.beforeMib + BREATH_MIB + QUEUE_MIB * (this.#here.length + this.#left.length);
    if (this.#peakMib > most)
      throw new Error(`2: gateway and alerts held ${this.#peakMib} MiB, at most ${most} were due`);
    for (const joined of this.#here.splice(0)) {
      await joined.client.leave();
      this.#left.push(joined);
    }
    await this.#expectUpstreams();
    await Promise.all(this.#left.map(({ line }) => line.stop()));
  }

  /** Asked until it is answered: what was committed is read from the versions. */
  async #write(): Promise<void> {
    this.#writes += 1;
    const ids = Array.from({ length: PER_WRITE }, (_, n) => this.ids[(this.#writes * PER_WRITE + n) % this.ids.length]);
    const input = { assignee: `person-${scenes}-${this.#writes}` };
    await eventually(
      () => this.running.client.query(UPDATE, { ids, input }).catch(() => undefined),
      (answer) => answer !== undefined,
      SETTLE_MS,
    );
  }

  async #expectEachEventOnce(): Promise<void> {
    const { client: witness, since } = this.witness;
    const expected = changesOf(await finalVersions(this.running, this.ids), since);
    const everybody = [witness, ...this.#here.map(({ client }) => client)];
    await eventually(
      () => everybody.map(({ received }) => received.at(-1)),
      (found) => witness.received.length >= expected.size && found.every((change) => change === found[0]),
      SETTLE_MS,
    ).catch((error: Error) => {
      throw new Error(`1: not all got the last change: ${error.message}`);
    });
    const problem = orderProblem(witness.received, expected, since);
    if (problem !== undefined) throw new Error(`1: the witness ${problem}`);
    for (const { client } of [...this.#here, ...this.#left]) {
      if (client.resyncs.length > 0) throw new Error(`1: a client was told to read again: ${client.resyncs.join()}`);
      const due = witness.received.filter((_, n) => (witness.cursors[n] ?? '') > (client.began ?? '~'));
      if (client.received.some((change, n) => change !== due[n]))
        throw new Error(`1: a client got ${client.received.join(', ')} where ${due.join(', ')} was due`);
    }
    // Whoever has left may lack the last ones, nobody else anything.
    for (const { client } of this.#here)
      if (client.cursors.at(-1) !== witness.cursors.at(-1)) throw new Error('1: a client lacks the last change');
  }

  /** One for each identity that is there, and the witness' own. */
  async #expectUpstreams(): Promise<void> {
    const identities = new Set(this.#here.map(({ identity }) => identity)).size + 1;
    await eventually(
      () => upstreams(this.running),
      (open) => open === identities,
      UNUSED_MS,
    ).catch((error: Error) => {
      throw new Error(`3, 4: ${identities} identities are there: ${error.message}`);
    });
  }

  /** Of one identity that is there; while people go on writing. */
  async #expectSilenceAfterRevocation(): Promise<void> {
    const revoked = this.#here[0]?.identity;
    if (revoked === undefined) return;
    const [, id = ''] = this.tokens[revoked]?.split('_') ?? [];
    const { code, stderr } = await aurora(['token', 'revoke', id], { env: this.running.cliEnvironment });
    if (code !== 0) throw new Error(`The key could not be revoked: ${stderr}`);
    const silentFrom = performance.now() + REVOKED_MS;
    while (performance.now() < silentFrom + 1_000) {
      await this.#write();
      await wait(100);
    }
    const theirs = this.#here.filter(({ identity }) => identity === revoked);
    const late = theirs.filter(({ client }) => client.lastAt > silentFrom);
    if (late.length > 0) throw new Error(`5: ${late.length} clients of a revoked key got something after 5 s`);
    for (const joined of theirs) {
      // Ended by the gateway: the client says so when it is asked.
      await joined.client.leave().catch(() => undefined);
      this.#here.splice(this.#here.indexOf(joined), 1);
      this.#left.push(joined);
    }
  }
}

/** Of gateway and alerts together, MiB; a process that is just being started anew counts for nothing. */
function memoryOf(site: RunningSite): number {
  const bytes = residentBytes(site, 'gateway') + residentBytes(site, 'alerts');
  return Math.round(bytes / MIB);
}
