import { generateKeyPairSync } from 'node:crypto';
import { TokenSigner, TokenVerifier } from '@aurorasoc/kit/auth';
import { createLog } from '@aurorasoc/kit/log';
import { parse } from 'graphql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../testing/live-client.js';
import { composeFixtures, TENANT } from '../testing/site.js';
import { AlertsSubgraph } from '../testing/subgraphs.js';
import type { UpstreamEvent } from './live-item.js';
import { readLiveOperation } from './live-operation.js';
import { planSubscription } from './plan.js';
import { Upstream } from './upstream.js';

const log = createLog('gateway', 'silent');
const supergraph = composeFixtures();
const silentSource = { process: async () => ({ data: null }) };
const dataSources = new Map([...supergraph.subgraphUrls.keys()].map((name) => [name, silentSource]));

describe('an upstream', () => {
  let alerts: AlertsSubgraph;
  let upstream: Upstream | undefined;
  let signer: TokenSigner;
  beforeEach(async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    signer = new TokenSigner('aurora-gateway', privateKey, 30);
    alerts = new AlertsSubgraph(new TokenVerifier('alerts', new Map([['aurora-gateway', publicKey]])));
    await alerts.start();
  });
  afterEach(async () => {
    upstream?.close();
    await alerts.kill();
  });

  function open(accept: (event: UpstreamEvent) => boolean, after?: string) {
    const argument = after === undefined ? '' : `(after: "${after}")`;
    return openField(`alertChanged${argument} { __typename ... on AlertChange { padding } }`, accept);
  }

  function openField(field: string, accept: (event: UpstreamEvent) => boolean) {
    const dropped = { count: 0 };
    const troubles: (string | undefined)[] = [];
    const ends: unknown[] = [];
    const operation = readLiveOperation(supergraph.apiSchema, { document: parse(`subscription { ${field} }`) });
    const authorization = async () =>
      `Bearer ${await signer.sign({ tenant: TENANT, subject: 'ann', kind: 'user', scopes: [] }, 'alerts', Math.floor(Date.now() / 1000) + 60)}`;
    upstream = new Upstream({
      operation,
      plan: planSubscription(supergraph, dataSources, operation, log),
      url: alerts.url.replace('http', 'ws'),
      log,
      connectionParams: async () => ({ authorization: await authorization() }),
      accept,
      onDropped: () => dropped.count++,
      onEnd: (errors) => ends.push(errors),
      onTrouble: (reason) => troubles.push(reason),
    });
    upstream.open();
    return { upstream, troubles, ends, dropped };
  }

  it('leaves what is not accepted at the subgraph, and asks for it again on resume', async () => {
    for (let made = 0; made < 6; made++) alerts.log.append('1');
    const positions: number[] = [];
    let room = 2;
    const { upstream: opened } = open((event) => {
      if (room === 0) return false;
      room--;
      if (event.cursor !== undefined) positions.push(alerts.log.positionOf(event.cursor));
      return true;
    }, alerts.log.cursorOf(0));
    await eventually(() => positions.length === 2 && alerts.live.open === 0);
    room = 100;
    opened.resume();
    // Six changes, and "caught up" at the place of the last one.
    await eventually(() => positions.length === 7);
    expect(positions).toEqual([1, 2, 3, 4, 5, 6, 6]);
  });

  it('tells the size of an item in bytes, not in characters', async () => {
    const sizes: number[] = [];
    alerts.log.append('1', 'ä€😀'.repeat(1_000));
    open((event) => sizes.push(event.bytes) > 0, alerts.log.cursorOf(0));
    await eventually(() => sizes.length > 1);
    expect(sizes[0]).toBeGreaterThan(9_000);
  });

  it('counts what it has no room for and cannot ask for again', async () => {
    let tries = 0;
    const { dropped } = openField('eventTail { text }', () => ++tries > 2);
    await eventually(() => alerts.live.open === 1);
    for (const text of ['one', 'two', 'three']) alerts.tail.push(text);
    await eventually(() => tries === 3);
    expect(dropped.count).toBe(2);
  });

  it.each([
    ['SERVICE_UNAVAILABLE', true],
    ['FORBIDDEN', false],
    ['INTERNAL_SERVER_ERROR', false],
  ])('refused with %s at the beginning: tries again is %s', async (code, isRetried) => {
    alerts.refusal.code = code;
    const seen: UpstreamEvent[] = [];
    const { ends, troubles } = open((event) => seen.push(event) > 0);
    await eventually(() => ends.length > 0 || troubles.some((reason) => reason !== undefined));
    expect(ends.length).toBe(isRetried ? 0 : 1);
    delete alerts.refusal.code;
    if (isRetried) await eventually(() => seen.some(({ kind }) => kind === 'caught-up'));
  });
});
