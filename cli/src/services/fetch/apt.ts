/**
 * apt-get without root and without a trace on the host: its sources and keys are read, everything it writes lies in a folder
 * of ours. apt itself checks the signatures of the lists and the hashes of the packages.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inheritedEnvironment } from '../environment.js';
import { type CommandResult, runCommand } from '../run-command.js';
import { ServiceError } from '../service-error.js';

/** One package that apt would install, as its simulation names it. */
export interface AptPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
}

export interface Apt {
  /** Downloads the package lists and checks their signatures. */
  updateLists(): Promise<void>;
  /** `packages` with everything they depend on, as if nothing were installed; sorted by name. */
  resolveClosure(packages: readonly string[]): Promise<readonly AptPackage[]>;
  /** @returns the paths of the downloaded files, one per package. */
  download(packages: readonly AptPackage[]): Promise<readonly string[]>;
}

/**
 * @param folder - exists, is empty, and belongs to this fetch alone.
 * @param signal - ends what apt-get is doing; every method then rejects with `INTERRUPTED`.
 */
export function createPrivateApt(folder: string, signal?: AbortSignal): Apt {
  const configFile = writeConfig(folder);
  const downloads = join(folder, 'downloads');
  mkdirSync(downloads);
  const run = (...args: string[]) =>
    runCommand('apt-get', ['-q', '-c', configFile, ...args], { env: inheritedEnvironment(), cwd: downloads, signal });
  // A source that fails leaves only warnings, and may have nothing to do with us; they explain a failure that follows.
  let warnings = '';

  return {
    async updateLists() {
      const result = await run('update');
      warnings = result.stderr;
      if (!result.succeeded) throw explainFailure(result, warnings);
    },
    async resolveClosure(packages) {
      const result = await run('--simulate', '--no-install-recommends', 'install', ...packages);
      if (!result.succeeded) throw explainFailure(result, warnings);
      return parseSimulation(result.stdout);
    },
    async download(packages) {
      const result = await run(
        'download',
        ...packages.map(({ name, version, architecture }) =>
          architecture === 'all' ? `${name}=${version}` : `${name}:${architecture}=${version}`,
        ),
      );
      if (!result.succeeded) throw explainFailure(result, warnings);
      return readdirSync(downloads)
        .filter((name) => name.endsWith('.deb'))
        .map((name) => join(downloads, name));
    },
  };
}

/** Lines like `Inst libssl3 (3.0.22-1~deb12u2 Debian-Security:12/stable-security [amd64])`, see apt-get(8), `--simulate`. */
export function parseSimulation(output: string): readonly AptPackage[] {
  return [...output.matchAll(/^Inst (\S+) (?:\[\S*\] )?\((\S+) .*\[(\S+)\]\)/gm)]
    .map(([, name = '', version = '', architecture = '']) => ({ name, version, architecture }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * The settings go into a file and not into arguments because only a file can clear lists: hooks of the host's own apt,
 * which refresh its software centre or empty its cache, are none of our business.
 */
function writeConfig(folder: string): string {
  for (const name of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(folder, name), { recursive: true });
  const status = join(folder, 'status');
  writeFileSync(status, ''); // no package counts as installed, so the closure is whole on every host
  const settings = {
    'Dir::State::lists': join(folder, 'lists'),
    'Dir::State::status': status,
    'Dir::State::extended_states': join(folder, 'extended_states'),
    'Dir::Cache': join(folder, 'cache'),
    'Debug::NoLocking': '1',
    'APT::Sandbox::User': '',
    'APT::Get::AllowUnauthenticated': 'false',
    'Acquire::AllowInsecureRepositories': 'false',
    'Acquire::AllowDowngradeToInsecureRepositories': 'false',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '2',
  };
  const hooks = [
    'APT::Update::Pre-Invoke',
    'APT::Update::Post-Invoke',
    'APT::Update::Post-Invoke-Success',
    'DPkg::Pre-Install-Pkgs',
    'DPkg::Post-Invoke',
  ];
  const configFile = join(folder, 'apt.conf');
  writeFileSync(
    configFile,
    [
      ...hooks.map((hook) => `#clear ${hook};`),
      ...Object.entries(settings).map(([name, value]) => `${name} "${value}";`),
      '',
    ].join('\n'),
  );
  return configFile;
}

const FAILURES: readonly { readonly pattern: RegExp; readonly meaning: string }[] = [
  { pattern: /No space left|don't have enough free space/, meaning: 'the disk is full; free some space' },
  {
    pattern: /NO_PUBKEY|not signed|EXPKEYSIG|BADSIG|signatures (couldn't|were invalid)/,
    meaning: "a package source's signature could not be checked; repair the host's apt sources",
  },
  {
    pattern: /resolving|resolve|Could not connect|unreachable|Connection (refused|timed out|failed)|Failed to fetch/i,
    meaning: 'the package sources cannot be reached; check the network or the proxy',
  },
  {
    pattern: /Unable to locate package|no installation candidate/,
    meaning: "the host's apt sources do not have the package",
  },
];

function explainFailure(result: CommandResult, earlierWarnings: string): ServiceError {
  const said = `${earlierWarnings}\n${result.stderr}`;
  const meaning = FAILURES.find(({ pattern }) => pattern.test(said))?.meaning ?? 'apt-get failed';
  const lastLine = result.stderr.trim().split('\n').at(-1) ?? '';
  return new ServiceError('FETCH_FAILED', `Packages could not be fetched: ${meaning} (${lastLine})`);
}
