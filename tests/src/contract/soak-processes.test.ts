/** The processes that soaks start: what they get of the environment, and what is told of those that end. */
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { shapesVariables } from '../soak/shapes.js';
import { ComposeProcesses } from '../support/compose-processes.js';
import { pidsOfTree } from '../support/npm-run.js';

it('the tests of other shapes get what npm needs to reach packages', () => {
  vi.stubEnv('HTTPS_PROXY', 'http://proxy.example:3128');
  vi.stubEnv('npm_config_cafile', '/etc/proxy.pem');
  vi.stubEnv('GITHUB_TOKEN', 'of somebody');
  onTestFinished(() => void vi.unstubAllEnvs());
  expect(shapesVariables()).toMatchObject({
    HTTPS_PROXY: 'http://proxy.example:3128',
    npm_config_cafile: '/etc/proxy.pem',
    AURORA_TEST_SHAPE: 'split',
  });
  expect(shapesVariables()).not.toHaveProperty('GITHUB_TOKEN');
});

it('a container that a signal ended is told to have ended, not waited for', async () => {
  const nowhere = 'http://127.0.0.1:1';
  const service = {
    image: 'none',
    // Waits for its standard input.
    command: ['send', '-', '--token', 'none', '--ingest-url', nowhere],
    healthcheck: { test: ['CMD', 'node', '-e', '', nowhere] },
  };
  const places = { home: '/nowhere', postgresUrl: nowhere, redisUrl: nowhere, mqttUrl: nowhere };
  const processes = new ComposeProcesses({ sender: service }, places);
  const before = new Set(pidsOfTree(process.pid));
  processes.start('sender');
  onTestFinished(async () => void (await processes.stop()));
  expect(await processes.isReady('sender')).toBe(false);
  const [pid = 0] = pidsOfTree(process.pid).filter((each) => !before.has(each));
  process.kill(pid, 'SIGKILL');
  const isTold = async (): Promise<string> => {
    await wait(20);
    return processes.isReady('sender').then(String, String);
  };
  await expect.poll(isTold).toMatch('sender has ended by SIGKILL');
});
