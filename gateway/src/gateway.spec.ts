import { once } from 'node:events';
import { connect } from 'node:net';
import { startTelemetry, type Telemetry } from '@aurorasoc/kit/telemetry';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { connectLive, eventually } from './testing/live-client.js';
import { openRaw, readRaw } from './testing/raw-connection.js';
import { type Site, startSite } from './testing/site.js';

describe('the gateway over HTTP', () => {
  let site: Site;
  let telemetry: Telemetry;
  beforeAll(async () => {
    telemetry = startTelemetry('gateway', undefined);
    site = await startSite({ allowedOrigins: ['https://soc.example.org'] });
  });
  afterAll(async () => {
    await site.stop();
    await telemetry.shutdown();
  });

  it('joins the fields of two subgraphs', async () => {
    const answer = await site.query('{ alerts { id title investigations { id verdict } askedBy } }');
    expect(answer.errors).toBeUndefined();
    expect(answer.data?.alerts).toEqual([
      {
        id: '1',
        title: expect.any(String),
        investigations: [{ id: 'i-1', verdict: 'BENIGN_POSITIVE' }],
        askedBy: 'ann',
      },
      { id: '2', title: 'second', investigations: [{ id: 'i-2', verdict: 'BENIGN_POSITIVE' }], askedBy: 'ann' },
    ]);
  });

  it('passes identity, trace and request id on to subgraphs', async () => {
    const before = site.alerts.requests.length;
    await site.query('{ alerts { id } }', {
      token: site.keys.bob,
      headers: { 'x-request-id': 'req-7', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
    });
    const request = site.alerts.requests[before];
    expect(request?.headers.traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-/);
    expect(request?.subject).toBe('bob');
    expect(request?.headers['x-request-id']).toBe('req-7');
  });

  describe('authentication', () => {
    const QUERY = '{ alerts { id } }';

    it.each([
      ['no token', undefined],
      ['a made-up token', 'nonsense'],
      ['an unknown API key', `aurora_000000000000_${'x'.repeat(43)}`],
    ])('answers 401 to %s', async (_name, token) => {
      const answer = await site.query(QUERY, { token });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      expect(answer.errors?.[0]?.extensions).toEqual({
        code: 'UNAUTHENTICATED',
        requestId: answer.headers.get('x-request-id'),
      });
    });

    it('answers 401 to an expired key', async () => {
      const token = site.addKey({ subject: 'eve', expiresAt: new Date(Date.now() - 1_000) });
      expect((await site.query(QUERY, { token })).status).toBe(401);
    });

    it('takes an investigation token for itself, and none that is meant for others', async () => {
      expect((await site.query(QUERY, { token: await site.investigationToken(60) })).status).toBe(200);
      expect((await site.query(QUERY, { token: await site.investigationToken(60, 'alerts') })).status).toBe(401);
    });
  });

  describe('errors', () => {
    it('hides what a subgraph did not mean for clients', async () => {
      const answer = await site.query('{ broken }');
      expect(answer.errors).toEqual([
        {
          message: 'Internal server error',
          path: ['broken'],
          extensions: { code: 'INTERNAL_SERVER_ERROR', service: 'alerts', requestId: expect.any(String) },
        },
      ]);
      expect(JSON.stringify(answer)).not.toContain('hunter2');
    });

    it("keeps code, field and retry hint of a subgraph's own error, and nothing else", async () => {
      const answer = await site.query('{ refused }');
      expect(answer.errors).toEqual([
        {
          message: 'This needs the scope alerts:write',
          path: ['refused'],
          extensions: {
            code: 'FORBIDDEN',
            field: 'refused',
            retryAfter: 3,
            service: 'alerts',
            requestId: expect.any(String),
          },
        },
      ]);
    });

    it('keeps to itself why a field became null, over HTTP, over a socket and in live items', async () => {
      const data = { alerts: [{ stray: null }, { stray: null }] };
      const { status: _status, headers: _headers, ...answer } = await site.query('{ alerts { stray { title } } }');
      expect(answer).toEqual({ data });

      const live = connectLive(site.url, site.keys.ann);
      const query = live.subscribe('{ alerts { stray { title } } }');
      await query.ended;
      expect(query.payloads).toEqual([{ data }]);

      const watch = live.subscribe(
        'subscription { alertChanged { __typename ... on AlertChange { alert { stray { title } } } } }',
      );
      await watch.until((items) => items.length === 1);
      site.alerts.log.append('1');
      await watch.until((items) => items.length === 2);
      expect(watch.payloads.at(-1)).toEqual({
        data: { alertChanged: { __typename: 'AlertChange', alert: { stray: null } } },
      });
      await live.dispose();
    });

    it('answers malformed JSON with 400 and says what to send', async () => {
      const response = await fetch(`${site.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${site.keys.ann}` },
        body: '{"query": ',
      });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        errors: [{ extensions: { code: 'BAD_USER_INPUT', field: 'body' } }],
      });
    });

    it('answers 413 to more than 1 MiB, declared or not', async () => {
      const body = JSON.stringify({ query: `{ alerts { id } } #${'x'.repeat(1024 * 1024)}` });
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${site.keys.ann}` };
      const declared = await fetch(`${site.url}/graphql`, { method: 'POST', headers, body });
      expect(declared.status).toBe(413);
      expect(await declared.json()).toMatchObject({ errors: [{ extensions: { code: 'PAYLOAD_TOO_LARGE' } }] });
      const streamed = await fetch(`${site.url}/graphql`, {
        method: 'POST',
        headers,
        body: new Blob([body]).stream(),
        duplex: 'half',
      } as RequestInit);
      expect(streamed.status).toBe(413);
    });

    it('lets a client that sends 10 MiB in chunks read why they are refused', async () => {
      const bytes = 10 * 1024 * 1024;
      const head = `POST /graphql HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${site.keys.ann}\r\ncontent-type: application/json\r\n`;
      const socket = await openRaw(site.url, `${head}transfer-encoding: chunked\r\n\r\n${bytes.toString(16)}\r\n`);
      // It looks at the answer only when it has sent everything.
      await new Promise<void>((resolve, reject) => {
        const sent = (error?: Error | null): void => (error ? reject(error) : resolve());
        socket.write(Buffer.alloc(bytes, ' '), sent);
      });
      socket.end('\r\n0\r\n\r\n');
      const answer = await readRaw(socket);
      expect(answer).toMatch(/^HTTP\/1.1 413 /);
      expect(answer).toContain('"code":"PAYLOAD_TOO_LARGE"');
    });

    it('answers 404 to other paths', async () => {
      const response = await fetch(`${site.url}/other`);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'NOT_FOUND' } }] });
    });

    it.each([
      'subscription { alertChanged { __typename } }',
      'subscription ($v: Boolean!) { alertChanged @include(if: $v) { __typename } }',
    ])('refuses %s over POST with 400 and names the right door', async (query) => {
      const answer = await site.query(query);
      expect(answer.status).toBe(400);
      expect(answer.errors?.[0]).toMatchObject({
        message: expect.stringContaining('WebSocket'),
        extensions: { code: 'BAD_REQUEST' },
      });
    });

    it('answers GET as far as a web page cannot send it', async () => {
      const get = (headers: Record<string, string>) =>
        fetch(`${site.url}/graphql?query=${encodeURIComponent('{ alerts { id } }')}`, {
          headers: { authorization: `Bearer ${site.keys.ann}`, ...headers },
        });
      expect((await get({ 'apollo-require-preflight': '1' })).status).toBe(200);
      expect((await get({})).status).toBe(400);
    });

    it('refuses requests that a web page could send without asking', async () => {
      const response = await fetch(`${site.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'text/plain', authorization: `Bearer ${site.keys.ann}` },
        body: '{"query":"{ alerts { id } }"}',
      });
      expect(response.status).toBe(400);
    });

    it('asks for the name of the operation when there are several, and for one that there is', async () => {
      const live = connectLive(site.url, site.keys.ann);
      const refusal = { code: 'BAD_USER_INPUT', field: 'operationName', requestId: expect.any(String) };
      for (const query of ['query A { counter } query B { counter }', 'fragment F on Alert { id }']) {
        const answer = await site.query(query);
        expect(answer.errors?.[0]?.extensions).toEqual(query.startsWith('query') ? refusal : expect.anything());
        expect(answer.status).toBe(400);
      }
      expect(await live.subscribe('query A { counter } query B { counter }').ended).toEqual([
        expect.objectContaining({ extensions: refusal }),
      ]);
      await live.dispose();
    });

    it('names what is too much in a document with many errors', async () => {
      const messagesOf = async (query: string) => (await site.query(query)).errors?.map(({ message }) => message);
      expect(await messagesOf(`{ ${'counter '.repeat(990)} }`)).toEqual([
        expect.stringContaining('selects the same fields too often'),
      ]);
      expect((await messagesOf(`{ ${'missing '.repeat(150)} }`))?.at(-1)).toContain('more than 100 errors');
    });

    it('gives errors of parsing and validation the id of the request, over a socket, too', async () => {
      const live = connectLive(site.url, site.keys.ann);
      for (const [query, code] of [
        ['{ counter', 'GRAPHQL_PARSE_FAILED'],
        ['{ missing }', 'GRAPHQL_VALIDATION_FAILED'],
        ['{ _aurora_cursor: counter }', 'GRAPHQL_VALIDATION_FAILED'],
      ] as const) {
        const extensions = { code, requestId: expect.any(String) };
        const error = expect.objectContaining({ extensions, locations: [expect.anything()] });
        expect(await live.subscribe(query).ended, query).toEqual([error]);
        expect((await site.query(query)).errors, query).toEqual([error]);
      }
      await live.dispose();
    });

    it('tells a wrong variable by its place', async () => {
      const answer = await site.query('query ($id: ID!) { alert(id: $id) { id } }');
      expect(answer.status).toBe(400);
      expect(answer.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
    });
  });

  describe('limits', () => {
    it('refuses more tokens than allowed', async () => {
      const answer = await site.query(`{ ${'alerts { id } '.repeat(400)} }`);
      expect(answer.status).toBe(400);
      expect(answer.errors?.[0]).toMatchObject({
        message: expect.stringContaining('1000 tokens'),
        extensions: { code: 'GRAPHQL_PARSE_FAILED' },
      });
    });

    it('refuses too many aliases', async () => {
      const aliases = Array.from({ length: 16 }, (_, index) => `a${index}: counter`).join(' ');
      expect((await site.query(`{ ${aliases} }`)).errors?.[0]?.message).toContain('15 aliases');
    });

    it('answers introspection while it is on', async () => {
      const { getIntrospectionQuery } = await import('graphql');
      expect((await site.query(getIntrospectionQuery())).errors).toBeUndefined();
    });
  });

  it('lets listed origins read answers, and no others', async () => {
    const preflight = (origin: string) =>
      fetch(`${site.url}/graphql`, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } });
    const allowed = await preflight('https://soc.example.org');
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://soc.example.org');
    expect((await preflight('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull();
  });

  it('answers 408 to a request that does not arrive in time', async () => {
    const patient = await startSite({ requestTimeoutMs: 200 });
    onTestFinished(() => patient.stop());
    const { hostname, port } = new URL(patient.url);
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST /graphql HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${patient.keys.ann}\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{"`,
    );
    let answer = '';
    socket.on('data', (chunk) => {
      answer += String(chunk);
    });
    await once(socket, 'close');
    expect(answer).toContain('408');
    expect((await patient.query('{ counter }')).status).toBe(200);
  });

  it('gives an operation its whole time, however long its request took to arrive', async () => {
    const body = '{"query":"{ counter }"}';
    const socket = await openRaw(
      site.url,
      `POST /graphql HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: Bearer ${site.keys.ann}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nexpect: 100-continue\r\n\r\n`,
    );
    // The gateway has seen the head and waits for the body.
    await once(socket, 'data');
    await site.query('{ counter }');
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    vi.setSystemTime(Date.now() + 20_000);
    socket.write(body);
    expect(await readRaw(socket)).toMatch(/^HTTP\/1.1 200 .*"data":\{"counter":\d+\}/s);
  });

  it('serves health, readiness and metrics', async () => {
    expect((await fetch(`${site.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${site.url}/readyz`)).status).toBe(200);
    expect(await site.metric('aurora_gateway_request_duration_seconds_count')).toBeGreaterThan(0);
  });

  describe('merging of reads', () => {
    it('sends identical reads of one identity once, and those of two identities twice', async () => {
      const held = Promise.withResolvers<void>();
      site.alerts.beforeAnswer = () => held.promise;
      const before = site.alerts.requests.length;
      const asked = [site.keys.ann, site.keys.ann2, site.keys.ann, site.keys.bob].map((token) =>
        site.query('{ counter }', { token }),
      );
      await eventually(() => site.alerts.requests.length >= before + 2);
      held.resolve();
      const answers = (await Promise.all(asked)).map((answer) => answer.data?.counter);
      site.alerts.beforeAnswer = () => Promise.resolve();
      expect(site.alerts.requests.length - before).toBe(2);
      expect(new Set(answers.slice(0, 3)).size).toBe(1);
      expect(answers[3]).not.toBe(answers[0]);
    });

    it('never merges mutations, nor a read after a mutation with one before it', async () => {
      const held = Promise.withResolvers<void>();
      let isHolding = true;
      site.alerts.beforeAnswer = (query) =>
        isHolding && query.includes('title') && query.startsWith('{') ? held.promise : Promise.resolve();
      const before = site.alerts.requests.length;
      const early = site.query('{ alert(id: "1") { title } }');
      await eventually(() => site.alerts.requests.length >= before + 1);
      isHolding = false;
      const rename = 'mutation { renameAlert(id: "1", title: "renamed") { id } }';
      await Promise.all([site.query(rename), site.query(rename)]);
      const late = await site.query('{ alert(id: "1") { title } }');
      held.resolve();
      await early;
      site.alerts.beforeAnswer = () => Promise.resolve();
      expect(late.data).toEqual({ alert: { title: 'renamed' } });
      expect(site.alerts.requests.slice(before).filter(({ query }) => query.startsWith('mutation'))).toHaveLength(2);
      expect(site.alerts.requests.length - before).toBe(4);
    });
  });

  it('loses only the fields of a subgraph that is down, and recovers by itself', async () => {
    await site.agents.kill();
    const answer = await site.query('{ alerts { id investigations { id } } agents }');
    expect(answer.status).toBe(200);
    expect(answer.data).toEqual({
      alerts: [
        { id: '1', investigations: null },
        { id: '2', investigations: null },
      ],
      agents: null,
    });
    for (const { extensions } of answer.errors ?? [])
      expect(extensions).toMatchObject({ code: 'SERVICE_UNAVAILABLE', service: 'agents', retryAfter: 2 });
    expect(answer.errors?.length).toBeGreaterThan(1);
    expect((await site.query('{ alerts { id } counter }')).errors).toBeUndefined();
    expect(site.health.report().components['subgraph:agents']?.state).toBe('degraded');
    await site.agents.start();
    expect((await site.query('{ alerts { investigations { id } } }')).errors).toBeUndefined();
    expect(site.health.report().components['subgraph:agents']?.state).toBe('up');
  });

  it('runs queries and mutations over a socket by the same rules', async () => {
    const live = connectLive(site.url, site.keys.bob);
    const query = live.subscribe('{ alerts { id askedBy } }');
    await query.ended;
    expect(query.payloads[0]?.data).toMatchObject({
      alerts: [
        { id: '1', askedBy: 'bob' },
        { id: '2', askedBy: 'bob' },
      ],
    });
    const refused = live.subscribe(`{ ${Array.from({ length: 16 }, (_, index) => `a${index}: counter`).join(' ')} }`);
    expect(await refused.ended).toEqual([expect.objectContaining({ message: expect.stringContaining('15 aliases') })]);
    const broken = live.subscribe('{ broken }');
    await broken.ended;
    expect(broken.payloads[0]?.errors).toEqual([expect.objectContaining({ message: 'Internal server error' })]);
    await live.dispose();
  });
});
