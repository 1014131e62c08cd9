/** The role `fleet`: the agents themselves. They hold no data and no key; all they know they ask of the graph. */
import { runProcess } from '@aurorasoc/kit/lifecycle';
import { createLog } from '@aurorasoc/kit/log';
import { readFleetEnvironment } from './environment.js';
import { startFleet } from './start-fleet.js';

/** Runs the role `fleet` until it is told to end. */
export async function runFleet(): Promise<void> {
  const environment = readFleetEnvironment();
  const log = createLog('fleet', environment.LOG_LEVEL);
  await runProcess({ log, isSupervised: environment.AURORA_SUPERVISED === '1' }, async (stopper) => {
    await startFleet(environment, log, stopper);
  });
}
