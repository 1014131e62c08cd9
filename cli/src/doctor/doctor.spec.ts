import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readSiteEnvironment } from '../environment.js';
import { siteHome } from '../home/site-home.js';
import { FETCHABLE_SERVICES } from '../services/fetch/service-packages.js';
import { readProcessIdentity } from '../services/process/process-identity.js';
import { findRecordedProcesses } from '../services/process/run-records.js';
import { makeScratchFolder } from '../services/testing/scratch-folder.js';
import { checkHome, checkNode, checkServiceSource } from './check-host.js';
import { checkLeftovers } from './check-leftovers.js';
import { checkPorts } from './check-ports.js';
import { checkServices, findExpectedUrls } from './check-services.js';
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
    const found = (await checkPorts(environment, {})).find(({ name }) => name === 'ports of gateway');
    expect(found).toMatchObject({ state: 'fail', detail: expect.stringContaining(`(process ${process.pid})`) });
  });

  it('warns of a taken port for the copy of the task metrics, and says which variable has another', async () => {
    const port = String(await takePort());
    const find = async (variable: string) =>
      (await checkPorts(readSiteEnvironment({}), { AGENT_TASK_WORKER_METRICS_PORT: variable })).find(
        ({ name }) => name === 'task metrics',
      );
    expect(await find(port)).toMatchObject({
      state: 'warn',
      detail: expect.stringContaining(`(process ${process.pid})`),
      advice: expect.stringContaining('AGENT_TASK_WORKER_METRICS_PORT'),
    });
    expect(await find('0')).toMatchObject({ state: 'ok' });
  });

  it('says who has the port of syslog for datagrams alone', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    onTestFinished(() => void socket.close());
    await once(socket, 'listening');
    const environment = readSiteEnvironment({ INGEST_SYSLOG_PORT: String(socket.address().port) });
    const found = (await checkPorts(environment, {})).find(({ name }) => name === 'ports of ingest-syslog');
    expect(found).toMatchObject({ state: 'fail', detail: expect.stringContaining(`(process ${process.pid})`) });
  });

  it('finds what an ended supervisor left running, and nobody else by its pid', () => {
    const home = siteHome(makeScratchFolder());
    mkdirSync(home.runDir);
    const self = readProcessIdentity(process.pid);
    const stranger = { pid: process.pid, startTime: 'another boot' };
    writeFileSync(
      join(home.runDir, 'gateway.json'),
      JSON.stringify({ guard: self, service: self, stopSignal: 'SIGTERM' }),
    );
    writeFileSync(
      join(home.runDir, 'ingest.json'),
      JSON.stringify({ guard: stranger, service: stranger, stopSignal: 'SIGTERM' }),
    );
    const recorded = findRecordedProcesses(home.runDir);
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
    const findings = await checkServices(urls);
    expect(findings.map(({ name, state }) => `${name} ${state}`)).toEqual(['postgres fail', 'redis fail']);
    expect(JSON.stringify(findings)).not.toContain('u:p@');
  });

  it('asks of a stopped site only the services that the environment names', () => {
    const home = siteHome(makeScratchFolder());
    mkdirSync(join(home.root, 'secrets'));
    const kept = { postgres: 'postgres://kept/x', redis: 'redis://kept', mosquitto: 'mqtt://kept' };
    writeFileSync(home.serviceUrlsFile, JSON.stringify(kept));
    const named = { DATABASE_URL: 'postgres://u:p@db/x' };
    const expected = (variables: Record<string, string>, isRunning: boolean) =>
      findExpectedUrls(readSiteEnvironment(variables), home, isRunning);
    expect(expected(named, false)).toEqual({ postgres: named.DATABASE_URL });
    expect(expected(named, true)).toEqual({ ...kept, postgres: named.DATABASE_URL });
    expect(expected({}, false)).toEqual({});
    expect(expected({ MQTT_URL: 'off' }, true)).toEqual({ ...kept, mosquitto: undefined });
  });

  it.each(['redis', 'mosquitto'] as const)(
    'finds a %s where a start would, and only one that runs',
    async (service) => {
      const cacheDir = makeScratchFolder();
      const path = process.env.PATH;
      onTestFinished(() => {
        process.env.PATH = path;
      });
      process.env.PATH = makeScratchFolder();
      const check = () => checkServiceSource(service, { isGiven: false, source: 'auto', cacheDir });
      expect(await check()).toMatchObject({ state: 'fail', detail: expect.stringContaining('none on PATH') });
      const { binaryPath, minimumMajor } = FETCHABLE_SERVICES[service];
      const program = join(process.env.PATH, basename(binaryPath));
      const writeProgram = (major: number) =>
        writeFileSync(program, `#!/bin/sh\necho "v=${major}.0 mosquitto version ${major}.0"\n`, { mode: 0o755 });
      writeProgram(minimumMajor - 1);
      expect(await check()).toMatchObject({ state: 'fail', detail: expect.stringContaining('or newer') });
      writeProgram(minimumMajor);
      expect(await check()).toMatchObject({ state: 'ok', detail: program });
      expect((await checkServiceSource(service, { isGiven: false, source: 'fetch', cacheDir })).state).toBe('fail');
      expect((await checkServiceSource(service, { isGiven: true, source: 'fetch', cacheDir })).state).toBe('ok');
    },
  );
});
