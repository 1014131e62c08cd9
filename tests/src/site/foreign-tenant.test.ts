/**
 * A stranger asks for everything: documents made from the schema alone, with every id that another tenant's own crawl has shown.
 * Nothing of that tenant comes back or changes, by the gateway as by each subgraph; and without scopes nothing at all.
 */
import { join } from 'node:path';
import type { GraphClient } from '@aurorasoc/cli/client';
import { DOMAIN_NAMES } from '@aurorasoc/cli/roles';
import { GATEWAY_ISSUER, type Principal, ROLE_SCOPES, readPrivateKey, TokenSigner } from '@aurorasoc/kit/auth';
import { newId } from '@aurorasoc/kit/ids';
import { encode } from 'cborg';
import {
  buildClientSchema,
  buildSchema,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getIntrospectionQuery,
  getNamedType,
  type IntrospectionQuery,
  isLeafType,
  isObjectType,
} from 'graphql';
import { Redis } from 'ioredis';
import { beforeAll, describe, expect, it } from 'vitest';
import { enrolEdgeDevice } from '../support/edge-device.js';
import { shadowCopiesDeleted, toNdjson } from '../support/events.js';
import { type CrawlDocument, documentsOf, textsIn, withId } from '../support/graph-crawl.js';
import { playbookOf } from '../support/playbooks.js';
import { postEvents } from '../support/public-doors.js';
import { joinSite, type SharedSite } from '../support/shared-site.js';
import { eventually } from '../support/wait.js';

const MARK = 'crawled-host';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Of an answer, such as to a list: others there are of the same kinds. */
const IDS_OF_ONE = 3;
/** Names of enumerations, times and short words are nobody's secret: they come in anybody's answers. */
const TELLS_NOTHING = /^([A-Z_]+|\d{4}-\d\d-\d\dT.*|.{0,7})$/;

let site: SharedSite;
let schema: GraphQLSchema;
/** What the tenant's own crawl shows and the stranger's does not. */
let secrets: ReadonlySet<string>;
let ids: readonly string[];

beforeAll(async () => {
  site = await joinSite();
  schema = buildClientSchema(await site.client.query<IntrospectionQuery>(getIntrospectionQuery()));
  await fill();
  const known = new Set((await crawl(site.stranger, [])).flatMap(({ data }) => data));
  const isForeign = (text: string): boolean => !known.has(text);
  const found = new Set<string>();
  // Ids lead to further ones.
  for (let round = 0; round < 2; round++) {
    const answers = await crawl(site.client, [...found]);
    for (const { data } of answers)
      for (const id of data.filter((text) => UUID.test(text) && isForeign(text)).slice(0, IDS_OF_ONE)) found.add(id);
    const told = answers.flatMap(({ data }) => data).filter(isForeign);
    secrets = new Set(told.filter((text) => !TELLS_NOTHING.test(text) && !schema.getType(text)));
  }
  ids = [...found];
}, 180_000);

/** Something of the tenant in every domain. */
async function fill(): Promise<void> {
  const { client } = site;
  await postEvents(site, toNdjson([shadowCopiesDeleted(MARK)]));
  const { alerts } = await eventually(
    () => client.query<{ alerts: { nodes: { id: string }[] } }>('{ alerts { nodes { id } } }'),
    (found) => found.alerts.nodes.length === 1,
    20_000,
  );
  const device = await enrolEdgeDevice(client, MARK);
  await client.query(
    `mutation ($alert: ID!, $memory: RememberInput!, $playbook: SavePlaybookInput!, $rules: ImportDetectionRulesInput!) {
      investigate(input: { alertId: $alert }) { __typename }
      remember(input: $memory) { id }
      savePlaybook(input: $playbook) { __typename }
      importDetectionRules(input: $rules) { __typename }
    }`,
    {
      alert: alerts.nodes[0]?.id,
      memory: { tier: 'SEMANTIC', title: `About ${MARK}`, text: `Backups of ${MARK} run at night` },
      playbook: { document: JSON.stringify(playbookOf(`For ${MARK}`)) },
      rules: { documents: [{ name: 'own.yml', text: ownRule() }] },
    },
  );
  await sendThroughRedis(device);
  await eventually(
    () =>
      client.query<{ investigations: { nodes: { status: string }[] }; deadLetters: { nodes: unknown[] } }>(
        '{ investigations { nodes { status } } deadLetters { nodes { id } } }',
      ),
    ({ investigations, deadLetters }) =>
      investigations.nodes[0]?.status === 'COMPLETED' && deadLetters.nodes.length === 2,
    30_000,
  );
}

/** A sample of the device, and a batch that nobody can read: dead letters of both groups of its stream. */
async function sendThroughRedis(device: string): Promise<void> {
  const redis = new Redis(site.serviceUrl('redis'));
  const body = Buffer.from(encode({ seq: 1, ts: Date.now(), metrics: { temperature: 20 } })).toString('base64');
  const sample = { id: newId(), v: '1', tenant: '', device, received: new Date().toISOString(), body };
  await redis.xadd('aurora:devices:telemetry:0', '*', ...Object.entries(sample).flat());
  await redis.xadd('aurora:ingest:events:0', '*', 'id', newId(), 'tenant', site.tenant, 'note', MARK);
  redis.disconnect();
}

function ownRule(): string {
  return `title: Rule of ${MARK}\nid: ${newId()}\nstatus: test\nlogsource: { category: process_creation, product: windows }\ndetection: { selection: { CommandLine|contains: ${MARK} }, condition: selection }\nlevel: high\n`;
}

interface Answer {
  readonly asked: string;
  /** Of the data. */
  readonly data: readonly string[];
  /** Of the errors, too. */
  readonly texts: readonly string[];
}

/** Asks each query, those that take an id with each of the ids. */
async function crawl(client: GraphClient, given: readonly string[]): Promise<Answer[]> {
  const asked = documentsOf(schema, 'query').flatMap((one) => expand(one, given));
  return askAll(client, asked);
}

function expand(document: CrawlDocument, given: readonly string[]): string[] {
  return document.takesId ? given.map((id) => withId(document, id)) : [document.document];
}

const AT_A_TIME = 8;

async function askAll(client: GraphClient, documents: readonly string[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let from = 0; from < documents.length; from += AT_A_TIME)
    answers.push(
      ...(await Promise.all(
        documents.slice(from, from + AT_A_TIME).map(async (asked) => {
          const answer = await client.execute(asked);
          return { asked, data: textsIn(answer.data), texts: textsIn(answer) };
        }),
      )),
    );
  return answers;
}

/** Secrets in the answers but for what was asked with. */
function leaksIn(answers: readonly Answer[]): string[] {
  return answers.flatMap(({ asked, texts }) => {
    const leaked = texts.filter((text) => secrets.has(text) && !asked.includes(text));
    return leaked.length === 0 ? [] : [`${asked} gives ${leaked.slice(0, 3).join(', ')}`];
  });
}

describe('a stranger', () => {
  it('has something to look for: the crawl sees what the tenant has in every domain', () => {
    expect([...secrets].filter((text) => text.includes(MARK)).length).toBeGreaterThanOrEqual(6);
    expect(ids.length).toBeGreaterThan(10);
  });

  it('is told nothing by any query, whatever ids it asks for', async () => {
    const answers = await crawl(site.stranger, ids);
    expect(answers.length).toBeGreaterThan(100);
    expect(leaksIn(answers)).toEqual([]);
  });

  it('changes nothing and is told nothing by any mutation', async () => {
    const before = await fingerprint();
    const documents = documentsOf(schema, 'mutation').flatMap((one) => expand(one, ids));
    expect(leaksIn(await askAll(site.stranger, documents))).toEqual([]);
    expect(await fingerprint()).toEqual(before);
  });

  it('is told nothing live, whatever it follows', async () => {
    const heard: Answer[] = [];
    const leaving = new AbortController();
    const documents = documentsOf(schema, 'subscription').flatMap((one) => expand(one, ids));
    const following = documents.map((asked) =>
      site.stranger
        .follow<object>(
          asked,
          {},
          { signal: leaving.signal, onItem: (item) => void heard.push({ asked, data: [], texts: textsIn(item) }) },
        )
        .catch((error: unknown) => heard.push({ asked, data: [], texts: [String(error)] })),
    );
    await postEvents(site, toNdjson([shadowCopiesDeleted(MARK)]));
    await eventually(
      () => site.client.query<{ alerts: { nodes: { count: number }[] } }>('{ alerts { nodes { count } } }'),
      ({ alerts }) => alerts.nodes[0]?.count === 2,
      20_000,
    );
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    leaving.abort();
    await Promise.all(following);
    expect(heard.length).toBeGreaterThan(0);
    expect(leaksIn(heard)).toEqual([]);
  });
});

/** All that the tenant sees of its own, in an order of its own. */
async function fingerprint(): Promise<readonly string[]> {
  const documents = documentsOf(schema, 'query').filter(({ root }) => !OF_THE_SITE.has(root));
  const answers = await askAll(
    site.client,
    documents.flatMap((one) => expand(one, ids)),
  );
  return answers.map(({ asked, data }) => `${asked} ${data.join(' ')}`);
}

/** What changes by itself. */
const OF_THE_SITE = new Set(['siteHealth', 'agents', 'agent', 'settings', 'memoryStatus']);

describe.each(DOMAIN_NAMES)('the subgraph of %s', (domain) => {
  const ask = async (
    principal: Pick<Principal, 'tenant' | 'scopes'>,
    query: string,
    variables: object = {},
  ): Promise<Body> => {
    const role = site.state().roles[domain];
    const key = readPrivateKey(join(site.home, 'keys', 'gateway.pem'));
    const identity = { ...principal, subject: 'stranger', kind: 'user' } as const;
    const token = await new TokenSigner(GATEWAY_ISSUER, key, 30).sign(identity, domain, Date.now() / 1_000 + 600);
    const response = await fetch(`http://127.0.0.1:${role?.port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query, variables }),
    });
    return (await response.json()) as Body;
  };
  const readSchema = async (): Promise<GraphQLSchema> => {
    const { data } = await ask({ tenant: newId(), scopes: [] }, '{ _service { sdl } }');
    return buildSchema((data as { _service: { sdl: string } })._service.sdl, { assumeValidSDL: true });
  };

  it('gives no entity of another tenant by its id', async () => {
    const types = Object.values((await readSchema()).getTypeMap()).filter(isEntity);
    for (const type of types) {
      const query = `query ($r: [_Any!]!) { _entities(representations: $r) { ... on ${type.name} { __typename ${leavesOf(type)} } } }`;
      const r = ids.map((id) => ({ __typename: type.name, id, name: id }));
      const body = await ask({ tenant: newId(), scopes: [...ROLE_SCOPES.admin] }, query, { r });
      expect(body.data, JSON.stringify(body)).toBeDefined();
      // Each is asked for by its id, which may come back; nothing beside it may.
      const told = textsIn(body).filter((text) => secrets.has(text) && !ids.includes(text));
      expect(told, type.name).toEqual([]);
    }
  });

  it('gives nothing to who has no scope', async () => {
    const own = await readSchema();
    const open: string[] = [];
    for (const { root, document } of documentsOf(own, 'query').map((one) => ({
      ...one,
      document: withId(one, newId()),
    }))) {
      if (root.startsWith('_')) continue;
      const { data, errors = [] } = await ask({ tenant: site.tenant, scopes: [] }, document);
      const isRefused = errors.some(({ extensions }) => extensions?.code === 'FORBIDDEN');
      if (!isRefused || textsIn(data).length > 0)
        open.push(`${document} ${JSON.stringify({ data, errors }).slice(0, 200)}`);
    }
    expect(open).toEqual([]);
  });
});

interface Body {
  readonly data?: unknown;
  readonly errors?: readonly { readonly extensions?: { readonly code?: string } }[];
}

function isEntity(type: GraphQLNamedType): type is GraphQLObjectType {
  return isObjectType(type) && type.astNode?.directives?.some(({ name }) => name.value === 'key') === true;
}

function leavesOf(type: GraphQLObjectType): string {
  return Object.values(type.getFields())
    .filter(({ args, type: of }) => args.length === 0 && isLeafType(getNamedType(of)))
    .map(({ name }) => name)
    .join(' ');
}
