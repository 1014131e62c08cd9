/**
 * `npm run bench|conformance|soak -- NAME [--seed N]`: the checks that are too long, or need data too large, for
 * `npm test`. Each ends with one JSON line and exits 0 only when its goal holds.
 */
import { parseArgs } from 'node:util';
import { givenFixturesFolder } from './support/environment.js';
import { explainMissingFixtures, fixturesFolder, hasFixtures } from './support/fixtures.js';

interface Outcome {
  readonly name: string;
  readonly met: boolean;
}

type Check = (options: { readonly seed: number; readonly fixtures: string }) => Promise<Outcome>;

const CHECKS: Readonly<Record<string, Readonly<Record<string, () => Promise<Check>>>>> = {
  bench: {
    outbox: async () => {
      const { benchOutbox } = await import('./bench/outbox.js');
      return ({ seed }) => benchOutbox(seed);
    },
    store: async () => {
      const { benchStore } = await import('./bench/store.js');
      return () => benchStore();
    },
    subscriptions: async () => {
      const { benchSubscriptions } = await import('./bench/subscriptions.js');
      return () => benchSubscriptions();
    },
    tasks: async () => {
      const { benchTasks } = await import('./bench/tasks.js');
      return () => benchTasks();
    },
  },
  conformance: {
    sigma: async () => {
      const { run } = await import('./conformance/sigma.js');
      return ({ fixtures }) => run(fixtures);
    },
    cacao: async () => {
      const { run } = await import('./conformance/cacao.js');
      return ({ fixtures }) => run(fixtures);
    },
  },
  soak: {
    crowd: async () => (await import('./soak/crowd.js')).soakCrowd,
    faults: async () => (await import('./soak/faults.js')).soakFaults,
    ingest: async () => (await import('./soak/ingest.js')).soakIngest,
    live: async () => (await import('./soak/live.js')).soakLive,
    'live-properties': async () => (await import('./soak/live-properties.js')).soakLiveProperties,
    mqtt: async () => (await import('./soak/mqtt.js')).soakMqtt,
    shapes: async () => (await import('./soak/shapes.js')).soakShapes,
    start: async () => (await import('./soak/start.js')).soakStart,
    streams: async () => (await import('./soak/streams.js')).soakStreams,
    wipes: async () => (await import('./soak/wipes.js')).soakWipes,
  },
};

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { seed: { type: 'string' } } });
  const [kind = '', name = ''] = positionals;
  const load = CHECKS[kind]?.[name];
  if (!load) {
    const known = Object.keys(CHECKS[kind] ?? {}).map((each) => `npm run ${kind} -- ${each}`);
    console.error(`There is no ${kind} "${name}"; there is ${known.join(', ') || 'none in this version'}`);
    return 2;
  }
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
  if (!Number.isSafeInteger(seed)) {
    console.error('--seed takes a whole number');
    return 2;
  }
  if (kind === 'conformance' && !hasFixtures) {
    console.error(explainMissingFixtures(givenFixturesFolder()));
    return 2;
  }
  console.log(`seed ${seed}`);
  const outcome = await (await load())({ seed, fixtures: fixturesFolder });
  console.log(JSON.stringify(outcome));
  return outcome.met ? 0 : 1;
}

process.exitCode = await main();
