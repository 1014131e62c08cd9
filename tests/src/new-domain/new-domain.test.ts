/**
 * A seventh domain in under 150 lines: the folder `notes` is one, as `docs/decisions/0012-what-a-domain-is.md` describes it.
 * Here it is migrated, composed with the other six, run as a process, and its live field followed through the gateway.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from '@aurorasoc/cli/client';
import { composeSupergraph } from '@aurorasoc/gateway/compose';
import { migrateDomain } from '@aurorasoc/kit/database';
import { printDomainSchema } from '@aurorasoc/kit/graphql';
import { newId } from '@aurorasoc/kit/ids';
import { createLog } from '@aurorasoc/kit/log';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { aurora } from '../support/cli.js';
import { redisUrl } from '../support/domain-database.js';
import { basicVariables } from '../support/environment.js';
import { createToken } from '../support/public-doors.js';
import { eventually } from '../support/wait.js';
import { buildNotesSchema } from './notes/domain.js';
import { migrations } from './notes/migration.js';

const MAX_LINES = 150;
const ROOT = new URL('../../../', import.meta.url);
const BUILT = new URL('../../dist/new-domain/notes/run.js', import.meta.url);
const FOLLOW = `subscription ($after: Cursor) { noteChanged(after: $after) {
  __typename ... on NoteChange { cursor version note { id text } } ... on CaughtUp { cursor }
} }`;

interface Item {
  readonly __typename: string;
  readonly note?: { readonly id: string; readonly text: string };
}

let home: string;
const processes: ChildProcess[] = [];

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'aurora-new-domain-'));
  mkdirSync(join(home, 'keys'));
  copyFileSync(inject('secretFile'), join(home, 'keys', 'secret'));
  expect(await aurora(['keys'], { env: { AURORA_HOME: home } })).toMatchObject({ code: 0 });
});

afterAll(async () => {
  for (const child of processes) {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  }
  rmSync(home, { recursive: true, force: true });
});

const key = (name: string): string => join(home, 'keys', name);

/** As a superuser. */
async function query(database: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl(database) });
  await client.connect();
  await client.query(sql);
  await client.end();
}

const databaseUrl = (database: string): string =>
  Object.assign(new URL(inject('postgresUrl')), { pathname: `/${database}` }).href;

async function migrate(): Promise<void> {
  await query('postgres', 'create database new_domain');
  const options = { adminUrl: databaseUrl('new_domain'), secret: readFileSync(key('secret')), migrations };
  await migrateDomain({ domain: 'notes', ...options, log: createLog('test', 'silent') });
}

async function startNotes(): Promise<number> {
  return start([fileURLToPath(BUILT)], {
    DATABASE_URL: databaseUrl('new_domain'),
    REDIS_URL: await redisUrl(),
    AURORA_SECRET_FILE: key('secret'),
    GATEWAY_PUBLIC_KEY_FILE: key('gateway.pub.pem'),
  });
}

/** @returns the file of the supergraph of seven. */
async function compose(): Promise<string> {
  writeFileSync(join(home, 'notes.graphql'), printDomainSchema(await buildNotesSchema()));
  const six = readFileSync(new URL('supergraph.yaml', ROOT), 'utf8').replaceAll(
    'file: ',
    `file: ${fileURLToPath(ROOT)}`,
  );
  const entry = `  notes:\n    routing_url: http://127.0.0.1:4007/graphql\n    schema:\n      file: ${home}/notes.graphql\n`;
  writeFileSync(join(home, 'supergraph.yaml'), six + entry);
  const file = join(home, 'supergraph.graphql');
  writeFileSync(file, composeSupergraph(join(home, 'supergraph.yaml')));
  return file;
}

/** Starts a role on a free port. @returns the port, which it logs. */
async function start(args: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  const child = spawn(process.execPath, args, { env: { ...basicVariables(), ...env, PORT: '0' }, stdio: 'pipe' });
  processes.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
    });
  const port = await eventually(
    () => {
      if (child.exitCode !== null) throw new Error(`it has ended: ${output}`);
      return /"(?:port":|url":"http:\/\/127\.0\.0\.1:)(\d+)\S*"msg":"(?:Serving the subgraph|Gateway is ready)/.exec(
        output,
      )?.[1];
    },
    (found) => found !== undefined,
    60_000,
  );
  return Number(port);
}

describe('a new domain', () => {
  it(`takes fewer than ${MAX_LINES} lines`, () => {
    const folder = new URL('./notes/', import.meta.url);
    const lines = readdirSync(folder).flatMap((name) => readFileSync(new URL(name, folder), 'utf8').split('\n'));
    expect(lines.filter((line) => line.trim() !== '').length).toBeLessThan(MAX_LINES);
  });

  it('tells its changes through the gateway, to the tenant that made them', { timeout: 120_000 }, async () => {
    await migrate();
    const supergraph = await compose();
    const subgraph = await startNotes();
    const port = await start([fileURLToPath(new URL('cli/dist/bin.js', ROOT)), 'serve', '--role', 'gateway'], {
      SUPERGRAPH_FILE: supergraph,
      NOTES_SUBGRAPH_URL: `http://127.0.0.1:${subgraph}/graphql`,
      AURORA_API_KEYS_FILE: key('api-keys.json'),
      AGENTS_PUBLIC_KEY_FILE: key('agents.pub.pem'),
      GATEWAY_PRIVATE_KEY_FILE: key('gateway.pem'),
    });
    const clientOf = async (tenant: string) =>
      createClient({
        url: `http://127.0.0.1:${port}`,
        token: await createToken({ cliEnvironment: { AURORA_HOME: home }, tenant }, 'admin', 'tester'),
      });
    const [ours, theirs] = await Promise.all([clientOf(newId()), clientOf(newId())]);
    const items: Item[] = [];
    const leave = new AbortController();
    await ours.follow<Item>(
      FOLLOW,
      {},
      {
        signal: leave.signal,
        onItem: (item) => {
          items.push(item);
          if (item.__typename === 'CaughtUp') void ours.query('mutation { addNote(text: "It works") { id } }');
          if (item.__typename === 'NoteChange') leave.abort();
        },
      },
    );
    expect(items.at(-1)).toMatchObject({ version: 1, note: { text: 'It works' } });
    const NOTES = '{ notes { id text } }';
    expect(await ours.query(NOTES)).toEqual({ notes: [items.at(-1)?.note] });
    expect(await theirs.query(NOTES)).toEqual({ notes: [] });
  });

  it('starts on the schema of its own release alone, and says what to do', async () => {
    await query('new_domain', `insert into notes.migration (name) values ('0002-later')`);
    await expect(startNotes()).rejects.toThrow(/migrated by a newer release \(0002-later\).*SCHEMA_TOO_NEW/);
    await query('new_domain', 'delete from notes.migration');
    await expect(startNotes()).rejects.toThrow(/lacks 0001-notes: run \\"aurora migrate\\".*SCHEMA_OUTDATED/);
  });
});
