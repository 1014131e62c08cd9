import { describe, expect, it } from 'vitest';
import { readFederationEnvironment } from './environment.js';

const FILE = process.execPath;
const base = {
  DATABASE_URL: 'postgres://127.0.0.1/aurora',
  REDIS_URL: 'redis://127.0.0.1',
  AURORA_SECRET_FILE: FILE,
  GATEWAY_PUBLIC_KEY_FILE: FILE,
  SITE_PRIVATE_KEY_FILE: FILE,
  SITE_DOMAINS: 'alerts,federation',
};
const read = (SITE_HEALTH_URLS?: string) => readFederationEnvironment({ ...base, SITE_HEALTH_URLS }).SITE_HEALTH_URLS;

describe('the addresses of health', () => {
  it('are pairs of name and URL', () => {
    expect(read('gateway=http://127.0.0.1:8000, alerts-worker-1=http://[::1]:4101/')).toEqual([
      { name: 'gateway', url: 'http://127.0.0.1:8000' },
      { name: 'alerts-worker-1', url: 'http://[::1]:4101' },
    ]);
    expect(read()).toEqual([]);
  });

  it.each(['gateway', 'gateway=ftp://x', '=http://x', 'a=http://x,a=http://y', 'a=http://'])('are not %s', (text) => {
    expect(() => read(text)).toThrow(/SITE_HEALTH_URLS/);
  });
});

describe('the domains of the site', () => {
  const domainsOf = (SITE_DOMAINS: string) => readFederationEnvironment({ ...base, SITE_DOMAINS }).SITE_DOMAINS;

  it('are names, each once', () => {
    expect(domainsOf('alerts, memory,alerts')).toEqual(['alerts', 'memory']);
  });

  it.each(['', 'alerts,,memory', 'alerts;memory', 'aurora:alerts'])('are refused as "%s"', (text) => {
    expect(() => domainsOf(text)).toThrow('SITE_DOMAINS');
  });
});
