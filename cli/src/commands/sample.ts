/** `aurora sample play`: a scenario into the sample tenant, through ingest like everything else. */
import { resolve } from 'node:path';
import { callerFolder } from '../environment.js';
import { playSample } from '../sample/play-sample.js';
import { readScenario, SAMPLE_SCENARIO } from '../sample/scenario.js';
import { chooseConnection, type SiteTarget } from './profile.js';
import { retryAloud, type WaitOption } from './retrying.js';

export interface PlayCommandOptions extends SiteTarget, WaitOption {
  /** Another scenario than the product's own. */
  readonly file?: string;
  readonly fast?: boolean;
}

/** @throws AuroraError as `postEvents` does, `BAD_USER_INPUT` for a file that is no scenario. */
export async function playSampleCommand({ file, fast, wait, ...target }: PlayCommandOptions): Promise<void> {
  const { url: ingestUrl, token } = chooseConnection({ sample: target.profile === undefined, ...target }, 'ingest');
  const steps = readScenario(file === undefined ? SAMPLE_SCENARIO : resolve(callerFolder(), file));
  const { accepted } = await playSample(steps, { ingestUrl, token, isFast: fast === true, ...retryAloud({ wait }) });
  console.log(`The sample is in: ${accepted} events; "aurora tail --sample" shows what became of them`);
}
