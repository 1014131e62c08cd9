import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { playSample } from './play-sample.js';
import { readScenario, SAMPLE_SCENARIO } from './scenario.js';

/** Accepts everything and keeps it. */
async function startIngest() {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
    bodies.push(gunzipSync(body).toString());
    response.writeHead(202, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ accepted: 1, batches: ['0199a000-0000-7000-8000-000000000000'] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { bodies, ingestUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: 'x' };
}

const idsIn = (text: string | undefined, pattern: RegExp) => [...new Set(text?.match(pattern))];

describe('playing the sample', () => {
  it('shows other hosts and processes each time, so that alerts of a second play are its own', async () => {
    const ingest = await startIngest();
    const steps = readScenario(SAMPLE_SCENARIO);
    await playSample(steps, { ...ingest, isFast: true });
    await playSample(steps, { ...ingest, isFast: true });
    const [first, second] = ingest.bodies;
    const hosts = /(?<="Computer":")[^"]+/g;
    const processes = /(?<="ProcessGuid":")[^"]+/g;
    expect(idsIn(first, hosts)).toHaveLength(2);
    expect(idsIn(second, hosts)).not.toEqual(expect.arrayContaining([expect.toBeOneOf(idsIn(first, hosts))]));
    expect(idsIn(second, processes)).not.toEqual(expect.arrayContaining([expect.toBeOneOf(idsIn(first, processes))]));
  });
});
