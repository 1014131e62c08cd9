// biome-ignore-all lint/style/noProcessEnv: this is the file of the command line that reads the environment
/** The variables of `aurora` itself. Each role reads its own (see the role's package); README.md has the whole table. */
import {
  databaseUrl,
  existingFile,
  mqttUrl,
  parseEnvironment,
  port,
  portOrOff,
  redisUrl,
  serviceUrl,
  variable,
} from '@aurorasoc/kit/environment';
import { tenantIdSchema } from '@aurorasoc/kit/ids';
import { TENANTS } from '@aurorasoc/kit/tenants';
import { z } from 'zod';
import { DOMAINS, perDomainVariable } from './roles/domains.js';

export type Variables = Readonly<Record<string, string | undefined>>;

const home = variable(z.string().min(1).default('.aurora'), {
  description: 'Folder with everything that an installation keeps',
  example: '/var/lib/aurora',
});
const seconds = (description: string, fallback: number) =>
  variable(z.coerce.number().min(1).max(3_600).default(fallback), { description, example: String(fallback) });

const siteVariables = {
  AURORA_HOME: home,
  AURORA_PORTS: variable(z.enum(['fixed', 'auto']).default('fixed'), {
    description: '`auto` takes free ports for every role and keeps them; `fixed` takes the documented ones',
    example: 'auto',
  }),
  AURORA_SERVICES: variable(z.enum(['auto', 'fetch']).default('auto'), {
    description: '`fetch` never uses a Redis or Mosquitto of the host, always a fetched one',
    example: 'fetch',
  }),
  AURORA_SAMPLE: variable(z.enum(['on', 'off']).default('on'), {
    description: 'Whether the first start plays the sample scenario',
    example: 'off',
  }),
  AURORA_WORKER_REPLICAS: variable(z.coerce.number().int().min(0).max(16).default(0), {
    description: "Worker processes of each domain; 0: its workers run inside of the domain's own process",
    example: '2',
  }),
  AURORA_START_TIMEOUT_SECONDS: seconds('Longest time in which every role must be ready', 120),
  AURORA_HANG_SECONDS: seconds('How long a role may answer nothing before it is killed and started again', 30),
  AURORA_SECRET_FILE: existingFile(
    'Installation secret, at least 32 bytes; made under AURORA_HOME when unset',
    '/etc/aurora/secret',
  ).optional(),
  DATABASE_URL: databaseUrl.optional(),
  ...perDomainVariable('DATABASE_URL', () => databaseUrl.optional()),
  REDIS_URL: redisUrl.optional(),
  MQTT_URL: variable(z.literal('off').or(mqttUrl).optional(), {
    description: 'MQTT v5 broker of the devices; `off`: none; unset: an embedded one',
    example: 'mqtt://user:password@127.0.0.1:1883',
  }),
  HOST: variable(z.string().min(1).default('127.0.0.1'), {
    description: 'Address on which gateway and ingest listen; all else stays on loopback',
    example: '0.0.0.0',
  }),
  PORT: port('Port of the gateway', 8000),
  INGEST_PORT: port('Port of ingest', 8010),
  INGEST_SYSLOG_PORT: portOrOff('Port of syslog over TCP and UDP, or `off`', 5514),
  INGEST_SYSLOG_TENANT: variable(tenantIdSchema.default(TENANTS.local), {
    description: 'Tenant of everything that comes by syslog',
    example: TENANTS.local,
  }),
  ...perDomainVariable('PORT', (domain) =>
    port(`Port of the ${domain} subgraph; its health is 100 higher`, DOMAINS[domain].port),
  ),
  A2A_BASE_PORT: port('Port of the orchestrator; specialists follow, health is 100 higher', 9000),
} as const;

export type SiteEnvironment = ReturnType<typeof readSiteEnvironment>;

/** @throws AuroraError `CONFIGURATION_INVALID` with one line per bad variable. */
export function readSiteEnvironment(source: Variables = process.env) {
  return parseEnvironment(siteVariables, source);
}

const clientVariables = {
  AURORA_HOME: home,
  AURORA_PROFILE: variable(z.string().min(1).default('local'), {
    description: 'Profile of credentials.json that commands use',
    example: 'sample',
  }),
  AURORA_URL: serviceUrl('Gateway that commands talk to', /^https?$/, 'https://aurora.example.org').optional(),
  AURORA_INGEST_URL: serviceUrl('Ingest that `send` talks to', /^https?$/, 'https://ingest.example.org').optional(),
  AURORA_TOKEN: variable(z.string().min(1).optional(), {
    description: 'Token that commands use',
    example: 'aurora_0123456789ab_…',
  }),
  AURORA_API_KEYS_FILE: variable(z.string().min(1).optional(), {
    description:
      'API key file that `aurora keys`, `token` and `tenant erase` work on; unset: the one under AURORA_HOME',
    example: '/etc/aurora/api-keys.json',
  }),
  AURORA_CHECK_TIMEOUT_SECONDS: seconds('Longest time that `status --check` may take', 30),
} as const;

export type ClientEnvironment = ReturnType<typeof readClientEnvironment>;

/** @throws AuroraError `CONFIGURATION_INVALID` */
export function readClientEnvironment(source: Variables = process.env) {
  return parseEnvironment(clientVariables, source);
}

const migrateVariables = {
  DATABASE_URL: databaseUrl,
  ...perDomainVariable('DATABASE_URL', () => databaseUrl.optional()),
  AURORA_SECRET_FILE: existingFile('Installation secret; database logins are derived from it', '.aurora/keys/secret'),
} as const;

/** @throws AuroraError `CONFIGURATION_INVALID` */
export function readMigrateEnvironment(source: Variables = process.env) {
  return parseEnvironment(migrateVariables, source);
}

/** Everything that is set: what roles inherit, and where `doctor` looks for misspelt names. */
export function currentVariables(): Variables {
  return process.env;
}

/** Names that `aurora` itself understands. */
export const KNOWN_VARIABLES: readonly string[] = [
  ...new Set([siteVariables, clientVariables, migrateVariables].flatMap((shape) => Object.keys(shape))),
];

/**
 * The folder in which the person stands: `npm run aurora` moves to the repository's root first and tells where it was.
 * Other npm scripts leave the same variable behind in whatever they start, hence the look at the script's name.
 */
export function callerFolder(): string {
  const startedBy = process.env.npm_lifecycle_event;
  return (startedBy === 'aurora' ? process.env.INIT_CWD : undefined) ?? process.cwd();
}
