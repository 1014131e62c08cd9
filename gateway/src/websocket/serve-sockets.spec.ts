import { createLog } from '@aurorasoc/kit/log';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { connectLive, eventually, type LiveClient } from '../testing/live-client.js';
import { openRaw, readRaw, upgradeTo } from '../testing/raw-connection.js';
import { type Site, startSite } from '../testing/site.js';

const CHANGES =
  'subscription { alertChanged { __typename ... on AlertChange { cursor version padding } ... on ResyncRequired { since why: reason } } }';

describe('sockets', () => {
  let site: Site;
  const clients: LiveClient[] = [];
  const connect = (token: string | undefined): LiveClient => {
    const client = connectLive(site.url, token);
    clients.push(client);
    return client;
  };
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.dispose();
    await site.stop();
  });

  describe('identity', () => {
    it.each([
      ['no token', undefined],
      ['a made-up token', 'nonsense'],
    ])('closes with 4403 on %s', async (_name, token) => {
      site = await startSite();
      expect(await connect(token).closed).toMatchObject({ code: 4403, reason: 'Forbidden' });
    });

    it('closes with 4403 at the end of the session', async () => {
      site = await startSite();
      const client = connect(await site.investigationToken(2));
      const watch = client.subscribe(CHANGES);
      await watch.until((items) => items.length === 1);
      expect(await client.closed).toMatchObject({ code: 4403, reason: 'Session ended' });
      await eventually(() => site.alerts.live.open === 0);
    });

    it('closes with 4403 soon after a key was revoked, and leaves others alone', async () => {
      site = await startSite();
      const [ann, bob] = [connect(site.keys.ann), connect(site.keys.bob)];
      const watches = [ann, bob].map((client) => client.subscribe(CHANGES));
      await Promise.all(watches.map((watch) => watch.until((items) => items.length === 1)));
      const revokedAt = performance.now();
      site.revoke(site.keys.ann);
      expect(await ann.closed).toMatchObject({ code: 4403 });
      expect(performance.now() - revokedAt).toBeLessThan(5_000);
      site.alerts.log.append('1');
      await watches[1]?.until((items) => items.length === 2);
    });

    it('carries a shared upstream on by the session that lasts longer', async () => {
      site = await startSite();
      const short = connect(await site.investigationToken(2));
      const long = connect(await site.investigationToken(60));
      const watches = [short, long].map((client) => client.subscribe(CHANGES));
      await Promise.all(watches.map((watch) => watch.until((items) => items.length === 1)));
      await eventually(() => site.alerts.live.open === 1);
      await short.closed;
      await site.alerts.kill();
      site.alerts.log.append('1');
      await site.alerts.start();
      await watches[1]?.until((items) => items.some((item) => item.version === 1));
    });
  });

  describe('a client that reads slowly', () => {
    const PADDING = 'x'.repeat(64 * 1024);

    it('gets ResyncRequired in place of what it missed, and others get everything', {
      timeout: 30_000,
    }, async () => {
      site = await startSite({ liveLimits: { ring: { maxItems: 50, maxBytes: 8 * 1024 * 1024 }, graceMs: 50 } });
      const [slow, quick] = [connect(site.keys.ann), connect(site.keys.ann)];
      const watches = [slow, quick].map((client) => client.subscribe(CHANGES));
      await Promise.all(watches.map((watch) => watch.until((items) => items.length === 1)));
      await eventually(() => site.alerts.live.open === 1);
      (await slow.socket).pause();
      const total = 600;
      for (let made = 0; made < total; made++) site.alerts.log.append('1', PADDING);
      await watches[1]?.until((items) => items.at(-1)?.version === total);
      expect(watches[1]?.items.filter((item) => item.version !== undefined).map((item) => item.version)).toEqual(
        Array.from({ length: total }, (_, index) => index + 1),
      );
      expect(await site.metric('aurora_ws_resyncs_total')).toBeGreaterThan(0);

      (await slow.socket).resume();
      await watches[0]?.until((items) => items.at(-1)?.version === total);
      const items = watches[0]?.items ?? [];
      const gap = items.findIndex((item) => item.__typename === 'ResyncRequired');
      expect(items[gap]).toMatchObject({ why: 'SLOW_CONSUMER' });
      // Everything after `since` is there, in order.
      const since = site.alerts.log.positionOf(String(items[gap]?.since));
      expect(items.slice(gap + 1).map((item) => item.version)).toEqual(
        Array.from({ length: total - since }, (_, index) => since + index + 1),
      );
      expect(items.slice(1, gap).map((item) => item.version)).toEqual(
        Array.from({ length: gap - 1 }, (_, index) => index + 1),
      );
    });

    it('gets a long backlog at its own pace, without a gap', { timeout: 30_000 }, async () => {
      site = await startSite({ liveLimits: { ring: { maxItems: 20, maxBytes: 8 * 1024 * 1024 }, graceMs: 20 } });
      const total = 500;
      for (let made = 0; made < total; made++) site.alerts.log.append('1', PADDING);
      const client = connect(site.keys.ann);
      const socket = await client.socket;
      const watch = client.subscribe(
        `subscription { alertChanged(after: "${site.alerts.log.cursorOf(0)}") { __typename ... on AlertChange { version padding } } }`,
      );
      await watch.until((items) => items.length > 0);
      socket.pause();
      // Another client gets through meanwhile: backlogs do not hold each other up.
      const other = connect(site.keys.ann2).subscribe(CHANGES);
      await other.until((items) => items.length === 1);
      socket.resume();
      await watch.until((items) => items.some((item) => item.__typename === 'CaughtUp'));
      expect(watch.items.slice(0, -1).map((item) => item.version)).toEqual(
        Array.from({ length: total }, (_, index) => index + 1),
      );
    });

    it('is closed with 1013 when it does not read at all', { timeout: 30_000 }, async () => {
      site = await startSite({ socketTimes: { pingMs: 60_000, stallMs: 400 } });
      const client = connect(site.keys.ann);
      const watch = client.subscribe(CHANGES);
      await watch.until((items) => items.length === 1);
      (await client.socket).pause();
      for (let made = 0; made < 400; made++) site.alerts.log.append('1', PADDING);
      await eventually(() => site.alerts.live.open === 0);
      expect(await site.metric('aurora_ws_subscribers')).toBe(0);
      (await client.socket).resume();
      expect(await client.closed).toMatchObject({ code: 1013 });
    });
  });

  it('cuts off a client whose machine has vanished', async () => {
    site = await startSite({ socketTimes: { pingMs: 50, stallMs: 200 } });
    const client = connect(site.keys.ann);
    await client.subscribe(CHANGES).until((items) => items.length === 1);
    // Reads nothing, so that pings stay unanswered although everything was sent.
    (await client.socket).pause();
    await eventually(() => site.alerts.live.open === 0);
  });

  it('drains: refuses what is new, closes each socket with 1001 within the time, then stops', async () => {
    site = await startSite({ drainMs: 300 });
    const [ann, bob] = [connect(site.keys.ann), connect(site.keys.bob)];
    await Promise.all([ann, bob].map((client) => client.subscribe(CHANGES).until((items) => items.length === 1)));
    const stopping = site.gateway.stop();
    expect((await fetch(`${site.url}/readyz`)).status).toBe(503);
    expect((await site.query('{ counter }')).errors?.[0]?.extensions).toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      retryAfter: 1,
    });
    expect((await Promise.all([ann.closed, bob.closed])).map(({ code }) => code)).toEqual([1001, 1001]);
    await stopping;
    await expect(fetch(`${site.url}/healthz`)).rejects.toThrow();
    await eventually(() => site.alerts.openSockets === 0);
  });

  it('begins nothing new on a socket that is still open while it drains', async () => {
    site = await startSite({ drainMs: 600 });
    const sockets = Array.from({ length: 8 }, () => connect(site.keys.ann));
    await Promise.all(sockets.map((client) => client.socket));
    const stopping = site.gateway.stop();
    const watches = sockets.map((client) => client.subscribe(CHANGES));
    const ends = await Promise.all(watches.map((watch) => watch.ended));
    expect(watches.flatMap((watch) => watch.items)).toEqual([]);
    expect(ends).toContainEqual([
      expect.objectContaining({ extensions: expect.objectContaining({ code: 'SERVICE_UNAVAILABLE', retryAfter: 1 }) }),
    ]);
    await stopping;
  });

  it.each([
    ['a message that only servers send', '{"type":"next","id":"1","payload":{}}'],
    ['what is no message', '{"type":"nonsense"}'],
  ])('closes with 4400, and logs no error, on %s', async (_name, message) => {
    const log = createLog('gateway', 'silent');
    const failures = vi.spyOn(log, 'error');
    site = await startSite({ log });
    const client = connect(site.keys.ann);
    (await client.socket).send(message);
    expect(await client.closed).toMatchObject({ code: 4400 });
    expect(failures).not.toHaveBeenCalled();
  });

  it.each([
    ['a payload', '{"type":"ping","payload":{"a":1}}'],
    [
      'a payload too deep to be sent back',
      `{"type":"ping","payload":{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`,
    ],
  ])('answers a ping with %s, without it', async (_name, message) => {
    site = await startSite();
    const socket = await connect(site.keys.ann).socket;
    const answer = new Promise<string>((resolve) => socket.once('message', (data) => resolve(String(data))));
    socket.send(message);
    expect(await answer).toBe('{"type":"pong"}');
  });

  describe('a client that need not sign in to be a nuisance', () => {
    /** In a process of its own each of these would be its end. */
    const watchUncaught = (): unknown[] => {
      const uncaught: unknown[] = [];
      const note = (error: unknown): number => uncaught.push(error);
      process.on('uncaughtException', note);
      onTestFinished(() => void process.off('uncaughtException', note));
      return uncaught;
    };

    it.each(['//', 'http://[', '/elsewhere'])('gets 404 for an upgrade to %s', async (target) => {
      const uncaught = watchUncaught();
      site = await startSite();
      expect(await readRaw(await openRaw(site.url, upgradeTo(target)))).toMatch(/^HTTP\/1.1 404 /);
      expect(uncaught).toEqual([]);
    });

    it('gets 404 for a plain request to //', async () => {
      site = await startSite();
      const answer = await readRaw(await openRaw(site.url, 'GET // HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'));
      expect(answer).toMatch(/^HTTP\/1.1 404 /);
    });

    it('harms nobody by a reset in the middle of a refused upgrade', async () => {
      const uncaught = watchUncaught();
      site = await startSite();
      for (let times = 0; times < 50; times++) (await openRaw(site.url, upgradeTo('/elsewhere'))).resetAndDestroy();
      expect((await fetch(`${site.url}/healthz`)).status).toBe(200);
      expect(uncaught).toEqual([]);
    });
  });

  it('lets pages of listed origins and of its own host open sockets, and programs that name no origin', async () => {
    site = await startSite({ allowedOrigins: ['https://soc.example.org'] });
    const { WebSocket } = await import('ws');
    const statusOf = (origin: string | undefined) =>
      new Promise<string>((resolve) => {
        const options = origin === undefined ? {} : { origin };
        const socket = new WebSocket(`${site.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', options);
        socket.once('error', (error) => resolve(error.message));
        socket.once('open', () => {
          socket.terminate();
          resolve('open');
        });
      });
    for (const origin of [undefined, 'https://soc.example.org', site.url])
      expect(await statusOf(origin), origin).toBe('open');
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1', `${site.url}.evil.example`])
      expect(await statusOf(origin), origin).toContain('403');
  });

  it('refuses sockets on other paths and other subprotocols', async () => {
    site = await startSite();
    const { WebSocket } = await import('ws');
    const elsewhere = new WebSocket(`${site.url.replace('http', 'ws')}/elsewhere`, 'graphql-transport-ws');
    const error = await new Promise<Error>((resolve) => elsewhere.once('error', resolve));
    expect(error.message).toContain('404');
    const legacy = new WebSocket(`${site.url.replace('http', 'ws')}/graphql`);
    expect(await new Promise((resolve) => legacy.once('close', resolve))).toBe(4406);
  });
});
