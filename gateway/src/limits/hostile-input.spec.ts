/** Requests of at most 1 MiB that once made the gateway stand still; each is sent over HTTP and over a socket. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectLive, type LiveClient } from '../testing/live-client.js';
import { type Site, startSite } from '../testing/site.js';

/** Processor time: ten times what each takes, a hundredth of what it took without a bound. Hanging is the test's own limit. */
const MAX_CPU_MS = 3_000;
const ASSIGN = 'mutation ($input: [TriageInput!]!) { triage(input: $input) }';
const FILTER = 'query ($f: AlertFilter) { found(filter: $f) }';
const LIVE = 'subscription ($f: AlertFilter) { alertChanged(filter: $f) { __typename } }';

const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 1]));
const names = (count: number, letter: string, before = '') =>
  Array.from({ length: count }, (_, at) => `${before}${letter.repeat(10_000)}${at}`).join(' ');
const cpuMsSince = (before: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
};
const deep = (depth: number) => `${'{"and":'.repeat(depth)}null${'}'.repeat(depth)}`;

describe('hostile input', () => {
  let site: Site;
  let live: LiveClient;
  beforeAll(async () => {
    site = await startSite();
    live = connectLive(site.url, site.keys.ann);
    await live.socket;
  });
  afterAll(async () => {
    await live.dispose();
    await site.stop();
  });

  /** Status, first error and bytes of an answer, which came in time, as did one about the health that was asked for meanwhile. */
  async function post(query: string, variables: unknown) {
    const text = typeof variables === 'string' ? variables : JSON.stringify(variables);
    const body = `{"query":${JSON.stringify(query)},"variables":${text}}`;
    expect(body.length).toBeLessThanOrEqual(1024 * 1024);
    const before = process.cpuUsage();
    const asked = fetch(`${site.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${site.keys.ann}` },
      body,
    });
    const [response] = await Promise.all([asked, fetch(`${site.url}/healthz`)]);
    const answer = await response.text();
    expect(cpuMsSince(before)).toBeLessThan(MAX_CPU_MS);
    const [error] = (JSON.parse(answer) as { errors?: { message: string; extensions: object }[] }).errors ?? [];
    return { status: response.status, error, bytes: answer.length };
  }

  /** The same over the socket. */
  async function send(query: string, variables: unknown) {
    const before = process.cpuUsage();
    const operation = live.subscribe(query, variables as Record<string, unknown>);
    const ended = (await operation.ended) as { message: string; extensions: object }[] | undefined;
    expect(cpuMsSince(before)).toBeLessThan(MAX_CPU_MS);
    return { error: ended?.[0], bytes: JSON.stringify(ended ?? []).length };
  }

  describe.each([
    ['2,500 unknown keys', { f: keys(2_500) }],
    ['60,000 unknown keys', { f: keys(60_000) }],
    ['50,000 values that no enum has', { f: { status: Array(50_000).fill('BAD') } }],
    ['90,000 values that an enum has', { f: { status: Array(90_000).fill('NEW') } }],
    ['60,000 keys in a variable that nobody declared', { stray: keys(60_000) }],
  ])('of %s in the variables', (_what, variables) => {
    const refusal = { code: 'BAD_USER_INPUT', field: 'variables', requestId: expect.any(String) };

    it('is refused over HTTP, shortly', async () => {
      const { status, error, bytes } = await post(FILTER, variables);
      expect(status).toBe(400);
      expect(error).toMatchObject({ message: expect.stringContaining('2000 values'), extensions: refusal });
      expect(bytes).toBeLessThan(1_000);
    });

    it('is refused over a socket, for queries and live fields', async () => {
      for (const query of [FILTER, LIVE]) {
        const { error, bytes } = await send(query, variables);
        expect(error).toMatchObject({ extensions: refusal });
        expect(bytes).toBeLessThan(1_000);
      }
    });
  });

  it('within the bound is refused by its first mistake alone, without its values', async () => {
    const wrong = { f: { status: ['NEW', { secret: 'x'.repeat(900_000) }, ...Array(1_500).fill('BAD')] } };
    for (const { error, bytes } of [await post(FILTER, wrong), await send(FILTER, wrong), await send(LIVE, wrong)]) {
      expect(error?.message).toMatch(/^Variable "\$f" at "f\.status\[1\]": Enum "AlertStatus" cannot represent/);
      expect(error?.message.length).toBeLessThanOrEqual(501);
      expect(error?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'f' });
      expect(bytes).toBeLessThan(1_000);
    }
  });

  it('nested 100,000 deep is refused', async () => {
    const { status, error } = await post(FILTER, `{"f":${deep(100_000)}}`);
    expect(status).toBe(400);
    expect(error?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'variables' });
  });

  it('nested as deep as values are allowed is read', async () => {
    expect(await post(FILTER, `{"f":${deep(1_000)}}`)).toMatchObject({ status: 200, error: undefined });
  });

  it('leaves what is right alone: lists, defaults, null and values that are not given', async () => {
    const input = Array.from({ length: 500 }, (_, at) => ({ id: String(at), status: 'NEW' }));
    expect(await post(ASSIGN, { input })).toMatchObject({ status: 200, error: undefined });
    expect(await post(FILTER, { f: null })).toMatchObject({ status: 200, error: undefined });
    expect(await post(FILTER, {})).toMatchObject({ status: 200, error: undefined });
    expect((await post(ASSIGN, {})).error).toMatchObject({
      message: 'Variable "$input" of required type "[TriageInput!]!" was not provided.',
      extensions: { code: 'BAD_USER_INPUT', field: 'input' },
    });
  });

  describe.each([
    ['unknown keys', `{ found(filter: {${Object.keys(keys(320)).join(': 1, ')}: 1}) }`],
    ['values that no enum has', `{ found(filter: {status: [${'BAD '.repeat(900)}]}) }`],
    ['one field selected again and again', `{ ${'counter '.repeat(990)} }`],
    [
      'one field selected again and again with a long argument',
      `{ ${`found(filter: {text: "${'x'.repeat(9_000)}"}) `.repeat(100)} }`,
    ],
    [
      'unknown types beside definitions of others',
      `query (${names(50, 'A', '$v: ')}) { counter } ${names(50, 'B', 'type ')}`,
    ],
    ['long names of fields', `{ ${names(50, 'c')} ${names(50, 'd')} }`],
  ])('of %s in the document', (_what, query) => {
    it('is answered in time over HTTP and over a socket', async () => {
      expect((await post(query, {})).bytes).toBeLessThan(2 * 1024 * 1024);
      await send(query, {});
    });
  });
});
