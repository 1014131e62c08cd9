import { createServer } from 'node:http';
import { closeServer, listen } from '@aurorasoc/kit/health';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { waitUntilHung } from './liveness.js';

/** A process that takes questions and answers none. */
async function serveSilence(): Promise<string> {
  const server = createServer(() => undefined);
  const port = await listen(server, 0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    return closeServer(server, 0);
  });
  return `http://127.0.0.1:${port}`;
}

describe('the watch for roles that hang', () => {
  it('does not count time in which the machine was suspended', async () => {
    const healthUrl = await serveSilence();
    const realNow = performance.now.bind(performance);
    let sleptMs = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => realNow() + sleptMs);
    onTestFinished(() => void vi.restoreAllMocks());
    const startedAt = realNow();
    setTimeout(() => {
      sleptMs = 3_600_000;
    }, 700);
    expect(await waitUntilHung({ healthUrl, hangMs: 1_000, signal: new AbortController().signal })).toBe(true);
    // A whole second after the machine woke up, and not at once.
    expect(realNow() - startedAt).toBeGreaterThan(1_700);
  });

  it('ends when nobody wants it any more', async () => {
    const healthUrl = await serveSilence();
    expect(await waitUntilHung({ healthUrl, hangMs: 60_000, signal: AbortSignal.timeout(300) })).toBe(false);
  });
});
