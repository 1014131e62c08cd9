import { describe, expect, it } from 'vitest';
import { siteHome } from '../home/site-home.js';
import { DOMAINS, perDomain } from './domains.js';
import { ROLE_NAMES } from './load-role.js';
import { roleEnvironment, withoutLogin } from './role-environment.js';
import { healthUrlOf, type SiteFacts, siteRoles } from './role-table.js';

const ROLES = siteRoles(0);
const site: SiteFacts = {
  home: siteHome('/home'),
  keys: {
    secretFile: '/s',
    gateway: { privateKey: '/gateway', publicKey: '/gateway.pub' },
    agents: { privateKey: '/agents', publicKey: '/agents.pub' },
    site: { privateKey: '/site', publicKey: '/site.pub' },
  },
  secretFile: '/s',
  host: '0.0.0.0',
  portsMode: 'fixed',
  ports: { gateway: 8000, fleet: 9000, ingest: 8010, ...perDomain((domain) => DOMAINS[domain].port) },
  databaseUrls: perDomain((domain) => withoutLogin(`postgres://admin:password@db:5432/${domain}`)),
  redisUrl: 'redis://r:6379',
  mqttUrl: 'mqtt://m:1883',
  syslogTenant: '00000000-0000-8000-8000-000000000001',
};
const inherited = {
  PATH: '/bin',
  PORT: '1',
  DATABASE_URL: 'postgres://admin:password@db:5432/x',
  AURORA_TOKEN: 'aurora_x_password',
  npm_config_x: 'y',
  UNSET: undefined,
  LOG_LEVEL: 'debug',
};
const environments = new Map(ROLES.map((role) => [role.name as string, roleEnvironment(role, site, inherited)]));

describe('environments of the roles', () => {
  it('exist for every role that can be served', () => {
    expect([...new Set(siteRoles(1).map(({ serve }) => serve.role))].sort()).toEqual([...ROLE_NAMES].sort());
  });

  it('tell replicas apart and leave their domain without workers', () => {
    const roles = siteRoles(3).filter(({ serve }) => serve.role.startsWith('alerts'));
    expect(roles.map(({ serve }) => serve)).toEqual([
      { role: 'alerts', workers: 'off' },
      ...Array.from({ length: 3 }, () => ({ role: 'alerts-worker', workers: 'on' })),
    ]);
    const names = roles.map((role) => roleEnvironment(role, site, inherited).AURORA_REPLICA);
    expect(names).toEqual(['alerts', 'alerts-worker-1', 'alerts-worker-2', 'alerts-worker-3']);
  });

  it('never hold the password of the database or the token of the person', () => {
    expect(JSON.stringify([...environments.values()])).not.toContain('password');
  });

  it('hold what the person set and the tie to the supervisor', () => {
    for (const environment of environments.values()) {
      expect(environment).toMatchObject({ PATH: '/bin', LOG_LEVEL: 'debug', AURORA_SUPERVISED: '1' });
      expect(environment).not.toHaveProperty('npm_config_x');
      expect(environment).not.toHaveProperty('UNSET');
    }
  });

  it('leave no port to chance when all are to be free ones', () => {
    const metricsPort = (portsMode: SiteFacts['portsMode']) => {
      const [agents] = ROLES.filter((role) => role.name === 'agents');
      return agents && roleEnvironment(agents, { ...site, portsMode }, inherited).AGENT_TASK_WORKER_METRICS_PORT;
    };
    expect(metricsPort('auto')).toBe('0');
    expect(metricsPort('fixed')).toBeUndefined();
  });

  it('give each private key to its one signer', () => {
    const holders = (path: string) =>
      [...environments].filter(([, variables]) => Object.values(variables).includes(path));
    expect(holders('/gateway').map(([name]) => name)).toEqual(['gateway']);
    expect(holders('/agents').map(([name]) => name)).toEqual(['agents']);
    expect(holders('/site').map(([name]) => name)).toEqual(['federation']);
  });

  it('give the login of the broker to ingest alone', () => {
    const holders = [...environments].filter(([, variables]) => variables.MQTT_URL !== undefined);
    expect(holders.map(([name]) => name)).toEqual(['ingest']);
  });

  it('open only the doors to the outside', () => {
    const open = [...environments].filter(([, variables]) => variables.HOST === '0.0.0.0');
    expect(open.map(([name]) => name).sort()).toEqual(['gateway', 'ingest']);
    expect(ROLES.map((role) => healthUrlOf(role, site.host, site.ports[role.name] ?? 0))).toEqual([
      ...[4101, 4102, 4103, 4104, 4105, 4106].map((port) => `http://127.0.0.1:${port}`),
      'http://127.0.0.1:9100',
      'http://127.0.0.1:8010',
      'http://127.0.0.1:8000',
    ]);
  });
});
