import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CONNECTED, shakeHands } from './mqtt-handshake.js';
import { type RunningServices, startServices } from './start-services.js';
import { makeScratchFolder } from './testing/scratch-folder.js';

/** Reason codes of MQTT v5. */
const NOT_AUTHORIZED = 0x87;

async function start(dataDir: string, onExit = () => {}): Promise<RunningServices> {
  const services = await startServices({
    dataDir,
    services: ['mosquitto'],
    durable: false,
    log: () => undefined,
    onExit,
  });
  onTestFinished(() => services.stop());
  return services;
}

describe('the embedded Mosquitto', () => {
  it('lets in who has the login, and nobody else', async () => {
    const dataDir = makeScratchFolder();
    const { mosquitto } = await start(dataDir);
    const url = mosquitto?.url ?? '';
    expect(await shakeHands(url)).toBe(CONNECTED);
    const { host, password } = new URL(url);
    expect(await shakeHands(`mqtt://${host}`)).toBe(NOT_AUTHORIZED);
    expect(await shakeHands(`mqtt://aurora:wrong@${host}`)).toBe(NOT_AUTHORIZED);
    expect(await shakeHands(`mqtt://other:${password}@${host}`)).toBe(NOT_AUTHORIZED);
    expect(readFileSync(join(dataDir, 'mosquitto', 'passwords'), 'utf8')).not.toContain(password);
  });

  it('comes back on its port with its login after it was killed, and after the site was started anew', async () => {
    const dataDir = makeScratchFolder();
    const ended = Promise.withResolvers<void>();
    const first = await start(dataDir, () => ended.resolve());
    const url = first.mosquitto?.url ?? '';
    first.kill('mosquitto', 'SIGKILL');
    await ended.promise;
    expect(await shakeHands(url)).toBeUndefined();
    await first.startOne('mosquitto');
    expect(await shakeHands(url)).toBe(CONNECTED);
    await first.stop();
    expect((await start(dataDir)).mosquitto?.url).toBe(url);
  });
});
