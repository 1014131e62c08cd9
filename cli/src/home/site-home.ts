import { join, resolve } from 'node:path';

/** What lies where under AURORA_HOME, beside what the embedded services keep there (services/README.md). */
export interface SiteHome {
  readonly root: string;
  readonly runDir: string;
  readonly logsDir: string;
  /** Mode 0700: the installation's secret, key pairs and hashed API keys. */
  readonly keysDir: string;
  readonly apiKeysFile: string;
  /** What signs cursors and derives database logins. */
  readonly secretFile: string;
  /** Texts of the tokens that the first start made, per profile. */
  readonly credentialsFile: string;
  /** What runs now; written by the supervisor, gone or stale when none runs. */
  readonly stateFile: string;
  /** URLs of the services with their passwords, for `aurora doctor`. */
  readonly serviceUrlsFile: string;
  /** Ports that `AURORA_PORTS=auto` has chosen. */
  readonly rolePortsFile: string;
  /** Exists once the sample was played. */
  readonly samplePlayedFile: string;
  readonly spoolDir: string;
}

export function siteHome(folder: string): SiteHome {
  const root = resolve(folder);
  const keysDir = join(root, 'keys');
  const runDir = join(root, 'run');
  return {
    root,
    runDir,
    logsDir: join(root, 'logs'),
    keysDir,
    apiKeysFile: join(keysDir, 'api-keys.json'),
    secretFile: join(keysDir, 'secret'),
    credentialsFile: join(root, 'credentials.json'),
    stateFile: join(runDir, 'state.json'),
    serviceUrlsFile: join(root, 'secrets', 'service-urls.json'),
    rolePortsFile: join(root, 'role-ports.json'),
    samplePlayedFile: join(root, 'sample-played'),
    spoolDir: join(root, 'ingest', 'spool'),
  };
}

/** Log of one role or service. */
export function logFile(home: SiteHome, name: string): string {
  return join(home.logsDir, `${name}.log`);
}
