import { Health } from '@aurorasoc/kit/health';
import { createLog } from '@aurorasoc/kit/log';
import { parse } from 'graphql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Session } from '../auth/authenticator.js';
import { createMetrics } from '../metrics.js';
import { createContext } from '../request-context.js';
import { connectLive, eventually, type LiveClient, type LiveItemSeen } from '../testing/live-client.js';
import { composeFixtures, type Site, startSite } from '../testing/site.js';
import { LiveHealth } from './live-health.js';
import { readLiveOperation } from './live-operation.js';
import { DEFAULT_LIVE_LIMITS, LiveSubscriptions } from './live-subscriptions.js';

const CHANGES = `subscription Watch($after: Cursor) {
  alertChanged(after: $after) {
    __typename
    ... on AlertChange { cursor version alertId }
    ... on CaughtUp { cursor }
    ... on ResyncRequired { since reason }
  }
}`;
const versions = (items: readonly LiveItemSeen[]) =>
  items.filter((item) => item.__typename === 'AlertChange').map((item) => item.version);
const has = (typename: string) => (items: LiveItemSeen[]) => items.some((item) => item.__typename === typename);
const resyncsAt = (items: readonly LiveItemSeen[]) =>
  items.filter((item) => item.__typename === 'ResyncRequired').map((item) => item.since);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe('live subscriptions', () => {
  let site: Site;
  const clients: LiveClient[] = [];
  const connect = (token: string): LiveClient => {
    const client = connectLive(site.url, token);
    clients.push(client);
    return client;
  };
  const change = (count = 1): void => {
    for (let made = 0; made < count; made++) site.alerts.log.append('1');
  };

  beforeEach(async () => {
    site = await startSite();
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.dispose()));
    await site.stop();
  });

  describe('what a client gets', () => {
    it('begins with CaughtUp, then delivers changes with the fields of other subgraphs', async () => {
      const watch = connect(site.keys.bob).subscribe(
        'subscription { alertChanged { __typename ... on AlertChange { version alert { title askedBy investigations { verdict } } } } }',
      );
      await watch.until(has('CaughtUp'));
      change();
      await watch.until(has('AlertChange'));
      expect(watch.items).toEqual([
        { __typename: 'CaughtUp' },
        {
          __typename: 'AlertChange',
          version: 1,
          alert: { title: 'alert 1', askedBy: 'bob', investigations: [{ verdict: 'BENIGN_POSITIVE' }] },
        },
      ]);
    });

    it('delivers everything after a cursor, given as a literal or as a variable', async () => {
      change(3);
      const after = site.alerts.log.cursorOf(1);
      const byVariable = connect(site.keys.ann).subscribe(CHANGES, { after });
      const byLiteral = connect(site.keys.bob).subscribe(
        `subscription { alertChanged(after: "${after}") { __typename ... on AlertChange { version } } }`,
      );
      for (const watch of [byVariable, byLiteral]) {
        await watch.until(has('CaughtUp'));
        expect(versions(watch.items)).toEqual([2, 3]);
      }
    });

    it('shapes items as selected: aliases, fragments, conditions, root fragments, and nothing reserved', async () => {
      change();
      const query = `
        subscription S($with: Boolean!, $from: Cursor) { ...Root }
        fragment Root on Subscription { changed: alertChanged(after: $from) { kind: __typename ...Change ... on CaughtUp { at: cursor } } }
        fragment Change on AlertChange { v: version alertId @include(if: $with) }`;
      const watch = connect(site.keys.ann).subscribe(query, { with: false, from: site.alerts.log.cursorOf(0) });
      await watch.until((items) => items.length === 2);
      expect(watch.payloads.map(({ data }) => data)).toEqual([
        { changed: { kind: 'AlertChange', v: 1 } },
        { changed: { kind: 'CaughtUp', at: site.alerts.log.cursorOf(1) } },
      ]);
    });

    it.each([
      [
        'a reserved alias',
        'subscription { alertChanged { _auroraCursor: __typename } }',
        {},
        'GRAPHQL_VALIDATION_FAILED',
      ],
      ['a cursor of the wrong form', CHANGES, { after: 'yesterday' }, 'BAD_CURSOR'],
      [
        'a variable of the wrong type',
        'subscription ($v: Int) { alertChanged(minVersion: $v) { __typename } }',
        { v: 'x' },
        'BAD_USER_INPUT',
      ],
      [
        'a root field under a condition',
        'subscription ($v: Boolean!) { alertChanged @include(if: $v) { __typename } }',
        { v: true },
        'GRAPHQL_VALIDATION_FAILED',
      ],
      [
        'a root field under a constant condition',
        'subscription { alertChanged @include(if: true) { __typename } }',
        {},
        'BAD_USER_INPUT',
      ],
      ['an unknown field', 'subscription { nothing }', {}, 'GRAPHQL_VALIDATION_FAILED'],
    ])('refuses %s with a typed error, and the socket stays', async (_name, query, variables, code) => {
      const client = connect(site.keys.ann);
      expect(await client.subscribe(query, variables).ended).toEqual([
        expect.objectContaining({ extensions: expect.objectContaining({ code }) }),
      ]);
      const watch = client.subscribe(CHANGES);
      await watch.until(has('CaughtUp'));
    });

    it("hands on a subgraph's refusal and ends", async () => {
      site.alerts.refusal.code = 'FORBIDDEN';
      const watch = connect(site.keys.ann).subscribe(CHANGES);
      expect(await watch.ended).toEqual([
        expect.objectContaining({
          message: 'Not for you',
          extensions: expect.objectContaining({ code: 'FORBIDDEN', service: 'alerts' }),
        }),
      ]);
      expect(await site.metric('aurora_ws_upstreams')).toBe(0);
    });

    it('makes an error of one item out of a dead subgraph, and the stream lives on', async () => {
      const watch = connect(site.keys.ann).subscribe(
        'subscription { alertChanged { __typename ... on AlertChange { version alert { investigations { id } } } } }',
      );
      await watch.until(has('CaughtUp'));
      await site.agents.kill();
      change();
      await watch.until((items) => items.length === 2);
      expect(watch.items[1]).toEqual({ __typename: 'AlertChange', version: 1, alert: { investigations: null } });
      expect(watch.payloads[1]?.errors).toEqual([
        expect.objectContaining({
          extensions: expect.objectContaining({ code: 'SERVICE_UNAVAILABLE', service: 'agents' }),
        }),
      ]);
      await site.agents.start();
      change();
      await watch.until((items) => items.length === 3);
      expect(watch.payloads[2]).toEqual({
        data: { alertChanged: { __typename: 'AlertChange', version: 2, alert: { investigations: [{ id: 'i-1' }] } } },
      });
    });
  });

  describe('sharing', () => {
    it('runs one upstream and one plan per item for an identity, whatever the place, name and spacing of its operations', async () => {
      change(4);
      const select = '{ __typename ... on AlertChange { version alert { investigations { id } } } }';
      const queries: [string, Record<string, unknown>][] = [
        [`subscription { alertChanged ${select} }`, {}],
        [`subscription Named($p: Cursor) { alertChanged(after: $p)   ${select} }`, { p: site.alerts.log.cursorOf(2) }],
        [`subscription { alertChanged(after: "${site.alerts.log.cursorOf(0)}") ${select} }`, {}],
      ];
      const watches = queries.map(([query, variables], index) =>
        connect(index === 1 ? site.keys.ann2 : site.keys.ann).subscribe(query, variables),
      );
      await Promise.all(watches.map((watch) => watch.until(has('CaughtUp'))));
      await eventually(() => site.alerts.live.open === 1);
      const plansBefore = site.agents.requests.length;
      change();
      await Promise.all(watches.map((watch) => watch.until((items) => versions(items).includes(5))));
      expect(watches.map((watch) => versions(watch.items))).toEqual([[5], [3, 4, 5], [1, 2, 3, 4, 5]]);
      expect(site.agents.requests.length - plansBefore).toBe(1);
    });

    it('never shares between two identities', async () => {
      const query = 'subscription { alertChanged { __typename ... on AlertChange { alert { askedBy } } } }';
      const watches = [site.keys.ann, site.keys.bob].map((token) => connect(token).subscribe(query));
      await Promise.all(watches.map((watch) => watch.until(has('CaughtUp'))));
      expect(site.alerts.live.open).toBe(2);
      change();
      await Promise.all(watches.map((watch) => watch.until(has('AlertChange'))));
      expect(watches.map((watch) => watch.items[1]?.alert)).toEqual([{ askedBy: 'ann' }, { askedBy: 'bob' }]);
    });

    it('never shares between different variables', async () => {
      const query = 'subscription ($v: Int) { alertChanged(minVersion: $v) { __typename } }';
      const watches = [1, 2].map((v) => connect(site.keys.ann).subscribe(query, { v }));
      await Promise.all(watches.map((watch) => watch.until(has('CaughtUp'))));
      expect(site.alerts.live.open).toBe(2);
    });

    it('closes the upstream and its socket when the last client leaves, also when nothing ever happens', async () => {
      const [first, second] = [connect(site.keys.ann), connect(site.keys.ann)];
      const watches = [first, second].map((client) => client.subscribe(CHANGES));
      await Promise.all(watches.map((watch) => watch.until(has('CaughtUp'))));
      await eventually(() => site.alerts.live.open === 1);
      watches[0]?.stop();
      change();
      await watches[1]?.until(has('AlertChange'));
      await second.dispose();
      await eventually(() => site.alerts.live.open === 0 && site.alerts.openSockets === 0);
      expect(await site.metric('aurora_ws_upstreams')).toBe(0);
      expect(await site.metric('aurora_ws_subscribers')).toBe(0);
    });

    it('tells a client that resumes of an item that failed as a whole, also when it joins others at once', async () => {
      change();
      const after = site.alerts.log.cursorOf(1);
      const first = connect(site.keys.ann).subscribe(CHANGES);
      await first.until(has('CaughtUp'));
      // Items of which nothing is left, and so no cursor: a version must not be null.
      for (const position of [2, 3])
        site.alerts.log.changes.push({ position, alertId: '1', version: null as unknown as number, title: '' });
      site.alerts.log.wake();
      change();
      await first.until((items) => versions(items).includes(2));
      const second = connect(site.keys.ann2).subscribe(CHANGES, { after });
      await second.until((items) => versions(items).includes(2) && has('CaughtUp')(items));
      await eventually(() => site.alerts.live.open === 1);
      for (const failed of second.payloads.slice(0, 2))
        expect(failed).toMatchObject({ data: null, errors: [expect.anything()] });
      expect(versions(second.items)).toEqual([2]);
    });

    it('shares fields without a cursor from the first moment', async () => {
      const watches = [1, 2].map(() => connect(site.keys.ann).subscribe('subscription { eventTail { text } }'));
      await eventually(async () => site.alerts.live.open === 1 && (await site.metric('aurora_ws_subscribers')) === 2);
      site.alerts.tail.push('one line');
      await Promise.all(watches.map((watch) => watch.until((items) => items.length === 1)));
      expect(site.alerts.live.opened).toBe(1);
    });
  });

  it('bring who resumes far behind others to them, with every change and no resync', async () => {
    await site.stop();
    site = await startSite({ liveLimits: { ring: { maxItems: 60, maxBytes: 64_000 }, graceMs: 50 } });
    const first = connect(site.keys.ann).subscribe(CHANGES);
    await first.until(has('CaughtUp'));
    for (let written = 0; written < 400; written += 20) {
      change(20);
      await first.until((items) => versions(items).length === written + 20);
    }
    const second = connect(site.keys.ann2).subscribe(CHANGES, { after: site.alerts.log.cursorOf(0) });
    await second.until(has('CaughtUp'));
    change();
    await second.until((items) => versions(items).includes(401));
    expect(versions(second.items)).toEqual(upTo(401));
    expect(resyncsAt(second.items)).toEqual([]);
    await eventually(() => site.alerts.live.open === 1);
  });

  it('that cannot be planned leave nothing behind', async () => {
    const health = new Health('gateway');
    const metrics = createMetrics(health);
    const supergraph = composeFixtures();
    const subscriptions = new LiveSubscriptions({
      supergraph,
      dataSources: new Map(),
      subgraphUrls: supergraph.subgraphUrls,
      signFor: async () => 'Bearer token',
      metrics,
      health: new LiveHealth(health),
      log: createLog('gateway', 'silent'),
      limits: DEFAULT_LIVE_LIMITS,
    });
    const session = { sharing: 'ann', expiresAt: Number.MAX_SAFE_INTEGER } as Session;
    for (const field of ['alertChanged { __typename }', 'eventTail { text }']) {
      const operation = readLiveOperation(supergraph.apiSchema, { document: parse(`subscription { ${field} }`) });
      expect(() => subscriptions.subscribe(operation, createContext(session))).toThrow('no data source');
    }
    expect((await metrics.subscribers.get()).values).toEqual([expect.objectContaining({ value: 0 })]);
  });

  describe('an item that is larger than what a queue holds', () => {
    const PADDED = CHANGES.replace('alertId', 'padding');
    const LARGE = 'x'.repeat(100_000);
    beforeEach(async () => {
      await site.stop();
      site = await startSite({ liveLimits: { ring: { maxItems: 1_000, maxBytes: 64_000 }, graceMs: 50 } });
    });

    it('becomes a resync, whether it comes alone or in the middle of others, and the stream lives on', async () => {
      const watch = connect(site.keys.ann).subscribe(PADDED);
      await watch.until(has('CaughtUp'));
      site.alerts.log.append('1', LARGE);
      await watch.until(has('ResyncRequired'));
      expect(watch.items.at(-1)).toMatchObject({ since: site.alerts.log.cursorOf(1), reason: 'SLOW_CONSUMER' });
      change(3);
      site.alerts.log.append('1', LARGE);
      change(3);
      await watch.until((items) => versions(items).includes(8));
      expect(resyncsAt(watch.items)).toEqual([1, 5].map((position) => site.alerts.log.cursorOf(position)));
      expect(versions(watch.items).slice(-3)).toEqual([6, 7, 8]);
    });

    it('holds up nobody who comes to it in a backlog', async () => {
      change(2);
      site.alerts.log.append('1', LARGE);
      change(2);
      const watch = connect(site.keys.ann).subscribe(PADDED, { after: site.alerts.log.cursorOf(0) });
      await watch.until(has('CaughtUp'));
      expect(resyncsAt(watch.items)).toEqual([site.alerts.log.cursorOf(3)]);
      expect(versions(watch.items).slice(-2)).toEqual([4, 5]);
    });

    it('is counted as dropped where there are no cursors, and what follows is delivered', async () => {
      const watch = connect(site.keys.ann).subscribe('subscription { eventTail { text } }');
      await eventually(() => site.alerts.live.open === 1);
      site.alerts.tail.push(LARGE);
      site.alerts.tail.push('small');
      await watch.until((items) => items.length === 1);
      expect(watch.items[0]?.text).toBe('small');
      expect(await site.metric('aurora_ws_dropped_items_total')).toBe(1);
    });
  });

  describe('an item of more than 16 MiB', () => {
    const HUGE = 'x'.repeat(17 * 1024 * 1024);

    it('ends a subscription that would only meet it again, and says what to do', async () => {
      const client = connect(site.keys.ann);
      const watch = client.subscribe(CHANGES.replace('alertId', 'padding'));
      await watch.until(has('CaughtUp'));
      site.alerts.log.append('1', HUGE);
      expect(await watch.ended).toEqual([
        expect.objectContaining({
          message: expect.stringContaining('larger than 16 MiB'),
          extensions: expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE', service: 'alerts' }),
        }),
      ]);
      const again = client.subscribe(CHANGES, { after: site.alerts.log.cursorOf(0) });
      await again.until(has('CaughtUp'));
      expect(versions(again.items)).toEqual([1]);
    });

    it('is counted as dropped where there are no cursors, and what follows is delivered', async () => {
      const watch = connect(site.keys.ann).subscribe('subscription { eventTail { text } }');
      await eventually(() => site.alerts.live.open === 1);
      site.alerts.tail.push(HUGE);
      await eventually(() => site.alerts.live.opened === 2 && site.alerts.live.open === 1);
      site.alerts.tail.push('small');
      await watch.until((items) => items.length === 1);
      expect(await site.metric('aurora_ws_dropped_items_total')).toBe(1);
    });
  });

  describe('when a subgraph goes away', () => {
    it('resumes by itself, with nothing lost, nothing twice, and no second CaughtUp', async () => {
      const watch = connect(site.keys.ann).subscribe(CHANGES);
      await watch.until(has('CaughtUp'));
      change(2);
      await watch.until((items) => versions(items).length === 2);
      await site.alerts.kill();
      change(3);
      await eventually(() => site.health.report().components.live?.state === 'degraded');
      await site.alerts.start();
      await watch.until((items) => versions(items).length >= 5);
      change();
      await watch.until((items) => versions(items).includes(6));
      expect(versions(watch.items)).toEqual(upTo(6));
      expect(watch.items.filter((item) => item.__typename === 'CaughtUp')).toHaveLength(1);
      expect(site.health.report().components.live?.state).toBe('up');
    });

    it('is up again with the subgraph where nothing is sent, since nothing happens', async () => {
      connect(site.keys.ann).subscribe('subscription { eventTail { text } }');
      await eventually(() => site.alerts.live.open === 1);
      await site.alerts.kill();
      await eventually(() => site.health.report().components.live?.state === 'degraded');
      await site.alerts.start();
      await eventually(() => site.health.report().components.live?.state === 'up');
    });

    it('lets clients come that arrive meanwhile', async () => {
      await site.alerts.kill();
      change(2);
      const watch = connect(site.keys.ann).subscribe(CHANGES, { after: site.alerts.log.cursorOf(0) });
      await eventually(() => site.health.report().components.live?.state === 'degraded');
      await site.alerts.start();
      await watch.until(has('CaughtUp'));
      expect(versions(watch.items)).toEqual([1, 2]);
    });

    it('keeps 20 clients that come, go and resume in step through four kills', { timeout: 30_000 }, async () => {
      const total = 400;
      const seen = Array.from({ length: 20 }, (): LiveItemSeen[] => []);
      const follow = async (index: number): Promise<void> => {
        const token = [site.keys.ann, site.keys.ann2, site.keys.bob][index % 3] ?? '';
        while (versions(seen[index] ?? []).length < total) {
          const mine = seen[index] ?? [];
          const place = mine.findLast((item) => item.cursor !== undefined)?.cursor ?? site.alerts.log.cursorOf(0);
          const client = connectLive(site.url, token);
          const watch = client.subscribe(CHANGES, { after: place });
          const target = Math.min(total - versions(mine).length, 40 + index * 17);
          await watch.until((items) => versions(items).length >= target);
          mine.push(...watch.items);
          await client.dispose();
        }
      };
      const write = async (): Promise<void> => {
        for (let batch = 1; batch <= 40; batch++) {
          change(total / 40);
          await new Promise((resolve) => setTimeout(resolve, 10));
          if (batch % 10 !== 0) continue;
          await site.alerts.kill();
          await site.alerts.start();
        }
      };
      await Promise.all([write(), ...seen.map((_, index) => follow(index))]);
      for (const items of seen) {
        expect(versions(items).slice(0, total)).toEqual(upTo(total));
        expect(items.some((item) => item.__typename === 'ResyncRequired')).toBe(false);
      }
      await eventually(() => site.alerts.live.open === 0);
    });
  });
});
