import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeServer, listen } from '@aurorasoc/kit/health';
import { Stopper } from '@aurorasoc/kit/lifecycle';
import { createLog } from '@aurorasoc/kit/log';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openDirectory, writeUrls } from '../a2a/agent-directory.js';
import { ann, investigate, TEST_TIMEOUT_MS, useSite, whenEnded } from '../testing/investigations.js';
import { readFleetEnvironment } from './environment.js';
import { startFleet } from './start-fleet.js';

vi.setConfig({ testTimeout: TEST_TIMEOUT_MS });

const spec = useSite();

const environmentOf = (variables: Readonly<Record<string, string>>) =>
  readFleetEnvironment({
    GATEWAY_URL: 'http://127.0.0.1:1',
    REDIS_URL: 'redis://127.0.0.1:1',
    AGENTS_PUBLIC_KEY_FILE: spec.site.keys.agents.publicFile,
    ...variables,
  });

describe('agents that run alone', () => {
  it('complete an investigation together, each in a process of its own', async () => {
    const process = await spec.start({}, {}, { fleets: [['orchestrator'], ['endpoint']] });
    const who = ann();
    const investigation = await whenEnded(process, who, await investigate(process, who));
    expect(investigation).toMatchObject({ status: 'COMPLETED', verdict: { disposition: 'TRUE_POSITIVE' } });
    expect(new Set(investigation.steps.map((step) => step.agent))).toEqual(new Set(['orchestrator', 'endpoint']));
  });

  it('listen where they would in a fleet, with health and metrics 100 above', async () => {
    const basePort = await freeBasePort();
    const started = new Stopper(createLog('fleet', 'silent'));
    onTestFinished(() => started.stop());
    const environment = environmentOf({ A2A_BASE_PORT: String(basePort) });
    const urls = await startFleet(environment, createLog('fleet', 'silent'), started, ['endpoint']);
    expect(urls).toEqual({ endpoint: `http://127.0.0.1:${basePort + 1}` });
    // Ready without Redis: only the orchestrator waits for results.
    const ready = await fetch(`http://127.0.0.1:${basePort + 101}/readyz`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({ service: 'agent:endpoint', state: 'up' });
  });

  it('say by which variable they were told to listen on an address of another machine', async () => {
    const started = new Stopper(createLog('fleet', 'silent'));
    onTestFinished(() => started.stop());
    const environment = environmentOf({ A2A_HOST: '192.0.2.1', A2A_BASE_PORT: 'auto' });
    await expect(startFleet(environment, createLog('fleet', 'silent'), started, ['endpoint'])).rejects.toMatchObject({
      code: 'CONFIGURATION_INVALID',
      field: 'A2A_HOST',
      publicMessage: expect.stringContaining('A2A_HOST is 192.0.2.1'),
    });
  });
});

describe('the file that says where agents listen', () => {
  const scratch = (): string => {
    const folder = mkdtempSync(join(tmpdir(), 'aurora-agents-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    return join(folder, 'agents.json');
  };
  const directoryOf = (file: string) =>
    openDirectory({ A2A_HOST: '127.0.0.1', A2A_BASE_PORT: 'auto', A2A_URLS_FILE: file });

  it('loses nothing of agents that write at one moment', () => {
    const file = scratch();
    const directory = directoryOf(file);
    expect(() => directory('endpoint')).toThrow();
    writeUrls(file, { orchestrator: 'http://127.0.0.1:1001' });
    writeUrls(file, { endpoint: 'http://127.0.0.1:1002' });
    expect([directory('orchestrator'), directory('endpoint')]).toEqual([
      'http://127.0.0.1:1001',
      'http://127.0.0.1:1002',
    ]);
  });

  it('is believed of whoever wrote last, a fleet or an agent alone', () => {
    const file = scratch();
    const directory = directoryOf(file);
    writeUrls(file, { endpoint: 'http://127.0.0.1:1002' });
    writeUrls(file, { orchestrator: 'http://127.0.0.1:2001', endpoint: 'http://127.0.0.1:2002' });
    expect(directory('endpoint')).toBe('http://127.0.0.1:2002');
    writeUrls(file, { endpoint: 'http://127.0.0.1:3002' });
    expect([directory('orchestrator'), directory('endpoint')]).toEqual([
      'http://127.0.0.1:2001',
      'http://127.0.0.1:3002',
    ]);
    expect(readdirSync(join(file, '..')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

/** A base port whose ports for the endpoint specialist and for its health are free. */
async function freeBasePort(): Promise<number> {
  for (;;) {
    const base = 15_000 + Math.floor(Math.random() * 17_000);
    const servers = [createServer(), createServer()] as const;
    const opened = await Promise.allSettled([
      listen(servers[0], base + 1, '127.0.0.1'),
      listen(servers[1], base + 101, '127.0.0.1'),
    ]);
    await Promise.all(servers.map((server) => closeServer(server, 0)));
    if (opened.every(({ status }) => status === 'fulfilled')) return base;
  }
}
