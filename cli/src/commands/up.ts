/** `aurora up`: a whole site in the foreground, until Ctrl-C. */
import { existsSync, writeFileSync } from 'node:fs';
import { describeError } from '@aurorasoc/kit/errors';
import { checkVariables } from '../doctor/check-variables.js';
import { currentVariables, readSiteEnvironment } from '../environment.js';
import { isTokenKnown } from '../home/credentials.js';
import { playSample } from '../sample/play-sample.js';
import { readScenario, SAMPLE_SCENARIO } from '../sample/scenario.js';
import type { Site } from '../supervisor/site.js';
import { startSite } from '../supervisor/start-site.js';
import { EXIT } from '../terminal/report-error.js';

/** npm passes a terminal's Ctrl-C on to us, who got it from the terminal already: both are one press. */
const SAME_PRESS_MS = 1_000;

/** @throws AuroraError as `startSite` does. Resolves when everything has ended. */
export async function up(): Promise<void> {
  const startedAtMs = performance.now();
  const { interrupted, signal } = listenForInterrupts();
  for (const { state, detail } of checkVariables(currentVariables()))
    if (state === 'warn') console.error(`Warning: ${detail}; look for a misspelling`);
  const site = await startSite({ log: (line) => console.log(line), signal });
  const isSampleDue = willPlaySample(site);
  console.log(describeSite(site, (performance.now() - startedAtMs) / 1000, isSampleDue));
  const sample = isSampleDue ? playFirstSample(site, signal) : undefined;
  await interrupted;
  console.log('Stopping');
  await Promise.all([site.stop(), sample]);
  console.log('Stopped');
}

/** The first interruption asks for an orderly end; another ends this process at once, and with it its children. */
function listenForInterrupts(): { interrupted: Promise<void>; signal: AbortSignal } {
  const controller = new AbortController();
  let firstAtMs: number | undefined;
  const interrupted = new Promise<void>((resolve) => {
    const interrupt = (): void => {
      if (firstAtMs !== undefined && performance.now() - firstAtMs > SAME_PRESS_MS) process.exit(EXIT.interrupted);
      firstAtMs ??= performance.now();
      controller.abort();
      resolve();
    };
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, interrupt);
  });
  // A closed terminal must not keep the site from ending in order.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
  return { interrupted, signal: controller.signal };
}

function describeSite({ urls, profiles, home }: Site, seconds: number, isSampleDue: boolean): string {
  const { token } = profiles.local;
  const login = isTokenKnown(home.apiKeysFile, token)
    ? token
    : 'revoked; make another with: npm run -s aurora -- token create --role admin --save local';
  return [
    '',
    `AuroraSOC is ready (${seconds.toFixed(1)} s)`,
    `  Gateway      ${urls.gateway}/graphql`,
    `  Live fields  ${urls.gateway.replace(/^http/, 'ws')}/graphql`,
    `  Ingest       ${urls.ingest}/v1/events`,
    ...(urls.syslog === undefined ? [] : [`  Syslog       ${urls.syslog} and UDP`]),
    `  Login token  ${login}`,
    '',
    ...(isSampleDue
      ? [
          '  Follow the sample live:  npm run -s aurora -- tail --sample',
          '  Play it again:           npm run -s aurora -- sample play',
        ]
      : ['  Play the sample again:   npm run -s aurora -- sample play']),
    '  Follow your own events:  npm run -s aurora -- tail',
    '  Ctrl-C stops everything.',
    '',
  ].join('\n');
}

/** Once in a data folder's life. */
function willPlaySample({ home }: Site): boolean {
  const isWanted = readSiteEnvironment().AURORA_SAMPLE === 'on';
  return isWanted && !existsSync(home.samplePlayedFile) && existsSync(SAMPLE_SCENARIO);
}

/** A failure costs the sample, not the site. */
async function playFirstSample({ home, profiles }: Site, signal: AbortSignal): Promise<void> {
  try {
    console.log('Playing the sample scenario into the tenant "sample"');
    const { ingestUrl, token } = profiles.sample;
    const { accepted } = await playSample(readScenario(SAMPLE_SCENARIO), { ingestUrl, token, signal });
    if (signal.aborted) return;
    writeFileSync(home.samplePlayedFile, `${new Date().toISOString()}\n`, { mode: 0o600 });
    console.log(`The sample scenario is in: ${accepted} events`);
  } catch (error) {
    console.error(`The sample could not be played: ${describeError(error)}`);
  }
}
