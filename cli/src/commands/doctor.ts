/** `aurora doctor`: what is wrong with this machine or this installation, and what to do about it. */
import { checkCredentials, checkDisk, checkHome, checkNode, checkServiceSource } from '../doctor/check-host.js';
import { checkLeftovers } from '../doctor/check-leftovers.js';
import { checkPorts } from '../doctor/check-ports.js';
import { checkServices, findExpectedUrls } from '../doctor/check-services.js';
import { checkVariables } from '../doctor/check-variables.js';
import { type Finding, ok } from '../doctor/finding.js';
import { currentVariables, readSiteEnvironment } from '../environment.js';
import { siteHome } from '../home/site-home.js';
import { readSiteState } from '../home/site-state.js';
import { isAlive } from '../services/process/process-identity.js';
import { findRecordedProcesses } from '../services/process/run-records.js';
import { escapeControls } from '../terminal/escape-controls.js';
import { EXIT } from '../terminal/report-error.js';

const NAME_WIDTH = 16;

/** Exit code 1 when anything fails; warnings do not count. */
export async function doctor(options: { readonly json?: boolean }): Promise<void> {
  const findings = await examine();
  if (options.json) console.log(JSON.stringify(findings, null, 2));
  else for (const line of findings.flatMap(formatFinding)) console.log(line);
  if (findings.some(({ state }) => state === 'fail')) process.exitCode = EXIT.failed;
}

async function examine(): Promise<readonly Finding[]> {
  const variables = checkVariables(currentVariables());
  // The other examinations build on the variables; with bad ones they would examine something else than what runs.
  if (variables.some(({ state }) => state === 'fail')) return [checkNode(), ...variables];
  const environment = readSiteEnvironment();
  const home = siteHome(environment.AURORA_HOME);
  const state = readSiteState(home.stateFile);
  const isRunning = state !== undefined && isAlive(state.supervisor);
  const recorded = findRecordedProcesses(home.runDir);
  const { AURORA_SERVICES: source, REDIS_URL, MQTT_URL } = environment;
  return [
    checkNode(),
    ...variables,
    checkDisk(home),
    checkHome(home),
    checkCredentials(home),
    await checkServiceSource('redis', { isGiven: REDIS_URL !== undefined, source }),
    await checkServiceSource('mosquitto', { isGiven: MQTT_URL !== undefined, source }),
    // A site that runs has its ports, whichever this shell would ask for.
    ...(isRunning
      ? [ok('ports', `in use as the site was started: gateway ${state.urls.gateway}`)]
      : await checkPorts(environment, currentVariables())),
    checkLeftovers(recorded, isRunning),
    ...(await checkServices(findExpectedUrls(environment, home, isRunning))),
  ];
}

function formatFinding({ name, state, detail, advice }: Finding): readonly string[] {
  const line = `${state.padEnd(4)}  ${name.padEnd(NAME_WIDTH)}  ${escapeControls(detail)}`;
  return advice === undefined ? [line] : [line, `${' '.repeat(NAME_WIDTH + 8)}-> ${advice}`];
}
