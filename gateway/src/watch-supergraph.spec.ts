import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '@aurorasoc/kit/log';
import { createClient } from 'graphql-ws';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { eventually } from './testing/live-client.js';
import { composeFixtures, type Site, startSite } from './testing/site.js';
import { AGENTS_SDL } from './testing/subgraphs.js';
import { watchSupergraph } from './watch-supergraph.js';

let site: Site;
let folder: string;
let file: string;
let endWatch: () => Promise<void>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'aurora-supergraph-'));
  file = join(folder, 'supergraph.graphql');
  const current = composeFixtures();
  writeFileSync(file, current.sdl);
  site = await startSite({ supergraph: current });
  watch();
});

/** As a gateway does that began with the supergraph of the fixtures. */
function watch(): void {
  endWatch = watchSupergraph({
    file,
    current: composeFixtures(),
    replace: site.gateway.replace,
    health: site.health,
    log: createLog('gateway', 'silent'),
  });
}

afterEach(async () => {
  await endWatch();
  await site.stop();
  rmSync(folder, { recursive: true });
});

/** Renamed into place, as deployments do. */
function deploy(sdl: string): void {
  writeFileSync(`${file}.new`, sdl);
  renameSync(`${file}.new`, file);
}

const WITH_ADDED = composeFixtures(AGENTS_SDL.replace('agents: [String!]', 'agents: [String!] added: String')).sdl;

const component = () => site.health.report().components.supergraph;
const queryFields = async () => {
  const { data } = await site.query('{ __type(name: "Query") { fields { name } } }');
  return (data as { __type: { fields: { name: string }[] } }).__type.fields.map(({ name }) => name);
};

it('serves on what it has when the new schema is no supergraph, and says so', async () => {
  deploy('type Query { broken: Missing }');
  await eventually(() => component()?.state === 'degraded');
  expect(component()?.reason).toMatch(/^schema rejected, the former one is served on: .*supergraph/);
  expect(await queryFields()).toContain('agents');
  deploy(composeFixtures().sdl);
  await eventually(() => component()?.state === 'up');
});

it('serves one that came while the gateway started', async () => {
  await endWatch();
  deploy(WITH_ADDED);
  watch();
  await eventually(async () => (await queryFields()).includes('added'));
});

it('serves one that came while the watch began', async () => {
  await endWatch();
  watch();
  deploy(WITH_ADDED);
  await eventually(async () => (await queryFields()).includes('added'));
});

it('serves a new supergraph from then on; who follows a live field is asked to connect again, and misses nothing', async () => {
  const query = `subscription ($after: Cursor) { alertChanged(after: $after) {
    __typename ... on AlertChange { cursor version } ... on CaughtUp { cursor }
  } }`;
  const variables: { after?: string } = {};
  const versions: number[] = [];
  let connections = 0;
  const client = createClient({
    url: `${site.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${site.keys.ann}` },
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 50)),
    on: { connected: () => (connections += 1) },
  });
  const unsubscribe = client.subscribe<{ alertChanged: { cursor: string; version?: number } }>(
    { query, variables },
    {
      next: ({ data }) => {
        variables.after = data?.alertChanged.cursor ?? '';
        if (data?.alertChanged.version !== undefined) versions.push(data.alertChanged.version);
      },
      error: () => undefined,
      complete: () => undefined,
    },
  );
  await eventually(() => variables.after !== undefined);
  const writing = setInterval(() => site.alerts.log.append('1'), 10);
  deploy(WITH_ADDED);
  await eventually(() => connections === 2);
  clearInterval(writing);
  const { version: length } = site.alerts.log.append('1');
  await eventually(() => versions.length >= length);
  expect(versions).toEqual(Array.from({ length }, (_, n) => n + 1));
  expect(await queryFields()).toContain('added');
  unsubscribe();
  await client.dispose();
});
