/** The roles `fleet` and `agent:<name>`: the agents themselves, all or one of them. They hold no data and no key; all they know they ask of the graph. */
import { runProcess } from '@aurorasoc/kit/lifecycle';
import { createLog } from '@aurorasoc/kit/log';
import { AGENT_NAMES, type AgentName } from '../agent/agent-registry.js';
import { readFleetEnvironment } from './environment.js';
import { fleetName, startFleet } from './start-fleet.js';

export { AGENT_NAMES, type AgentName } from '../agent/agent-registry.js';

export interface FleetOptions {
  /** Agents that this process serves, at least one. @default all */
  readonly agents?: readonly AgentName[];
}

/** Runs the role `fleet`, or `agent:<name>` for one agent alone, until it is told to end. */
export async function runFleet({ agents = AGENT_NAMES }: FleetOptions = {}): Promise<void> {
  const environment = readFleetEnvironment();
  const log = createLog(fleetName(agents), environment.LOG_LEVEL);
  await runProcess({ log, isSupervised: environment.AURORA_SUPERVISED === '1' }, async (stopper) => {
    await startFleet(environment, log, stopper, agents);
  });
}
