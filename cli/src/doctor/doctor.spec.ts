import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readSiteEnvironment } from '../environment.js';
import { siteHome } from '../home/site-home.js';
import { readProcessIdentity } from '../services/process/process-identity.js';
import { makeScratchFolder } from '../services/testing/scratch-folder.js';
import { checkHome, checkNode } from './check-host.js';
import { checkLeftovers, findRecordedProcesses } from './check-leftovers.js';
import { checkPorts } from './check-ports.js';
import { checkServices } from './check-services.js';
import { checkVariables } from './check-variables.js';

async function takePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('doctor', () => {
  it('judges the version of Node', () => {
    expect(checkNode('20.20.2').state).toBe('fail');
    expect(checkNode('24.21.0').state).toBe('ok');
    expect(checkNode('26.0.0').state).toBe('warn');
  });

  it('lists every bad variable and every one that means nothing', () => {
    const findings = checkVariables({
      PORT: 'many',
      AURORA_PORTS: 'some',
      AURORA_HOEM: '/x',
      AURORA_MODE: 'real',
      PATH: '/bin',
    });
    expect(findings.map(({ state, detail }) => `${state} ${detail}`)).toEqual([
      expect.stringContaining('fail AURORA_PORTS'),
      expect.stringContaining('fail PORT'),
      expect.stringContaining('warn AURORA_HOEM'),
    ]);
  });

  it('says who has a port', async () => {
    const port = await takePort();
    const environment = readSiteEnvironment({ PORT: String(port) });
    const found = (await checkPorts(environment)).find(({ name }) => name === 'ports of gateway');
    expect(found).toMatchObject({ state: 'fail', detail: expect.stringContaining(`(process ${process.pid})`) });
  });

  it('finds what an ended supervisor left running, and nobody else by its pid', () => {
    const home = siteHome(makeScratchFolder());
    mkdirSync(home.runDir);
    const self = readProcessIdentity(process.pid);
    const stranger = { pid: process.pid, startTime: 'another boot' };
    writeFileSync(join(home.runDir, 'gateway.json'), JSON.stringify({ guard: self, service: self }));
    writeFileSync(join(home.runDir, 'ingest.json'), JSON.stringify({ guard: stranger, service: stranger }));
    const recorded = findRecordedProcesses(home);
    expect(checkLeftovers(recorded, false)).toMatchObject({
      state: 'warn',
      detail: `left over from an earlier run: ${process.pid}`,
    });
    expect(checkLeftovers([], false).state).toBe('ok');
  });

  it('tries the data folder, also one that is not there yet', () => {
    expect(checkHome(siteHome(join(makeScratchFolder(), 'deep', 'er'))).state).toBe('ok');
  });

  it('says which service does not answer', async () => {
    const urls = { postgres: 'postgres://u:p@127.0.0.1:1/x', redis: 'redis://127.0.0.1:1' };
    const findings = await checkServices(urls, true);
    expect(findings.map(({ name, state }) => `${name} ${state}`)).toEqual(['postgres fail', 'redis fail']);
    expect(JSON.stringify(findings)).not.toContain('u:p@');
  });
});
