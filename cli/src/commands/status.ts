/** `aurora status`: what runs and how it is; with `--check`, whether one event still gets all the way. */
import { AuroraError } from '@aurorasoc/kit/errors';
import { createClient } from '../client/index.js';
import { readClientEnvironment } from '../environment.js';
import { checkGoldenPath } from '../golden-path/check-golden-path.js';
import type { StageReport } from '../golden-path/stage.js';
import { type ProcessReport, surveySite } from '../health/survey-site.js';
import { readProfiles } from '../home/credentials.js';
import { type SiteHome, siteHome } from '../home/site-home.js';
import { readSiteState, type SiteState } from '../home/site-state.js';
import { isAlive } from '../services/process/process-identity.js';
import { escapeControls } from '../terminal/escape-controls.js';
import { formatTable } from '../terminal/format-table.js';
import { EXIT } from '../terminal/report-error.js';

export interface StatusOptions {
  readonly json?: boolean;
  readonly check?: boolean;
  /** Longest time for the check, seconds. */
  readonly timeout?: number;
}

/**
 * Exit code 0, and `isHealthy`, when nothing is down (and the check passed), else 1. What is degraded works in part and is shown; whether the
 * part that matters works is for the check to say.
 *
 * @throws AuroraError `NOT_RUNNING`
 */
export async function status(options: StatusOptions): Promise<void> {
  const environment = readClientEnvironment();
  const home = siteHome(environment.AURORA_HOME);
  const state = readLiveState(home);
  const processes = await surveySite(state);
  if (!options.json) for (const line of formatProcesses(state, processes)) console.log(line);

  const timeoutMs = (options.timeout ?? environment.AURORA_CHECK_TIMEOUT_SECONDS) * 1000;
  const check = options.check ? await runCheck(home, processes, timeoutMs, options.json !== true) : undefined;
  const isHealthy =
    processes.every((report) => report.state !== 'down') && check?.every((stage) => stage.isOk) !== false;
  if (options.json) {
    const { urls, startedAt, supervisor } = state;
    console.log(
      JSON.stringify(
        {
          isHealthy,
          state: stateOfSite(processes),
          urls,
          startedAt,
          supervisor: supervisor.pid,
          processes,
          ...(check && { check }),
        },
        null,
        2,
      ),
    );
  } else if (options.check) console.log(isHealthy ? 'The golden path is whole.' : 'The golden path is broken.');
  if (!isHealthy) process.exitCode = EXIT.failed;
}

function readLiveState(home: SiteHome): SiteState {
  const state = readSiteState(home.stateFile);
  if (state !== undefined && isAlive(state.supervisor)) return state;
  const fate = state === undefined ? 'No site runs' : `The supervisor ${state.supervisor.pid} is gone`;
  throw new AuroraError({ code: 'NOT_RUNNING', publicMessage: `${fate} in ${home.root}; start one with "npm start"` });
}

/** By the same rule as `siteHealth`: a site that works in part is degraded, however healthy the parts that matter are. */
function stateOfSite(processes: readonly ProcessReport[]): ProcessReport['state'] {
  const states = new Set(processes.map(({ state }) => state));
  const [only = 'down'] = states;
  return states.size <= 1 ? only : 'degraded';
}

/** A process that is down fails the check at once: the path may still work without them, the site does not. */
async function runCheck(
  home: SiteHome,
  processes: readonly ProcessReport[],
  timeoutMs: number,
  isPrinted: boolean,
): Promise<readonly StageReport[]> {
  const onStage = (report: StageReport): void => {
    if (isPrinted) console.log(formatStage(report));
  };
  const health = judgeProcesses(processes);
  onStage(health);
  if (!health.isOk) return [health];
  const profile = readProfiles(home.credentialsFile).check;
  if (profile === undefined) {
    throw new AuroraError({
      code: 'NO_CREDENTIALS',
      publicMessage: `${home.credentialsFile} has no profile "check"; start the site anew`,
    });
  }
  const { url, ingestUrl, token } = profile;
  const client = createClient({ url, token, timeoutMs });
  const stages = await checkGoldenPath({ client, ingestUrl, token, signal: AbortSignal.timeout(timeoutMs), onStage });
  return [health, ...stages];
}

function judgeProcesses(processes: readonly ProcessReport[]): StageReport {
  const unwell = processes.filter((report) => report.state === 'down');
  return {
    stage: 'every process and service answers',
    isOk: unwell.length === 0,
    durationMs: 0,
    detail:
      unwell.length === 0
        ? `${processes.length} answer`
        : unwell.map(({ name, problem }) => `${name}: ${problem}`).join('; '),
    ...(unwell.length === 0 ? {} : { suspect: suspectOf(unwell) }),
  };
}

/** What is down itself, before those that only miss it. */
function suspectOf(unwell: readonly ProcessReport[]): string {
  const absent = unwell.filter(({ supervised, kind }) => kind === 'service' || supervised !== 'running');
  return (absent.length > 0 ? absent : unwell).map(({ name }) => name).join(', ');
}

function formatProcesses({ urls, startedAt }: SiteState, processes: readonly ProcessReport[]): readonly string[] {
  const rows = processes.map(({ name, state, pid, port, restarts, since, supervised }) => {
    const what = supervised === 'running' || supervised === 'external' ? state : supervised;
    return [name, what, pid === undefined ? '-' : String(pid), String(port), String(restarts), since];
  });
  return [
    `Gateway ${urls.gateway}/graphql, ingest ${urls.ingest}/v1/events, since ${startedAt}`,
    ...formatTable([['NAME', 'STATE', 'PID', 'PORT', 'RESTARTS', 'SINCE'], ...rows]),
    ...processes.flatMap(({ name, problem }) =>
      problem === undefined ? [] : [`! ${name}: ${escapeControls(problem)}`],
    ),
  ];
}

function formatStage({ stage, isOk, durationMs, detail, suspect }: StageReport): string {
  const verdict = isOk ? 'ok  ' : 'FAIL';
  const hint = suspect === undefined ? '' : ` (suspect: ${suspect})`;
  return `${verdict} ${String(durationMs).padStart(6)} ms  ${stage}: ${escapeControls(detail)}${hint}`;
}
