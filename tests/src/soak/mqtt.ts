/**
 * Telemetry that a broker took is told: two hundred devices at QoS 1 while broker, ingest, Redis and the domain of devices are
 * restarted or killed. The subscribers of `deviceTelemetry` get every sequence number exactly once.
 *
 * The broker is ended in good order: killed, Mosquitto loses what it has not written to disk yet.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { type FleetOutcome, runFleet } from '../support/edge-fleet.js';
import { between, type Random, seededRandom } from '../support/random.js';
import { type RunningSite, startTestSite } from '../support/site.js';

export interface MqttSoakOptions {
  readonly seed: number;
  /** @default 200 */
  readonly devices?: number;
  /** Of each device, at least. @default 60 */
  readonly messages?: number;
}

export interface MqttSoakOutcome extends FleetOutcome {
  readonly name: 'mqtt';
  readonly seed: number;
  readonly met: boolean;
  readonly devices: number;
  readonly faults: Readonly<Record<string, number>>;
}

const FAULTS = ['restart broker', 'kill ingest', 'restart redis', 'kill devices'] as const;
type Fault = (typeof FAULTS)[number];
const ROUNDS = 3;
const SETTLE_MS = 300_000;

export async function soakMqtt({ seed, devices = 200, messages = 60 }: MqttSoakOptions): Promise<MqttSoakOutcome> {
  const random = seededRandom(seed);
  const faults: Record<string, number> = {};
  const site = await startTestSite({ env: { INVESTIGATE_FROM_SEVERITY: 'OFF', LOG_LEVEL: 'warn' } });
  try {
    const outcome = await runFleet(site, {
      devices,
      messages,
      pauseMs: 1_000,
      settleMs: SETTLE_MS,
      meanwhile: () => breakThings(site, random, faults),
    });
    const met = outcome.lost === 0 && outcome.doubled === 0 && outcome.resyncs === 0;
    return { name: 'mqtt', seed, met, devices, ...outcome, faults };
  } finally {
    await site.stop();
  }
}

/** Each kind comes {@link ROUNDS} times on average and once at least; the first round in the order of the list. */
async function breakThings(site: RunningSite, random: Random, faults: Record<string, number>): Promise<void> {
  for (let n = 0; n < ROUNDS * FAULTS.length; n++) {
    const fault = FAULTS[n < FAULTS.length ? n : between(random, 0, FAULTS.length - 1)] ?? 'restart broker';
    await wait(between(random, 1_000, 4_000));
    await injectFault(site, fault);
    faults[fault] = (faults[fault] ?? 0) + 1;
  }
}

async function injectFault({ site }: RunningSite, fault: Fault): Promise<void> {
  switch (fault) {
    case 'restart broker':
      await site.stopService('mosquitto');
      return site.startService('mosquitto');
    case 'kill ingest':
      return site.killRole('ingest', 'SIGKILL');
    case 'restart redis':
      await site.stopService('redis');
      return site.startService('redis');
    case 'kill devices':
      return site.killRole('devices', 'SIGKILL');
  }
}
