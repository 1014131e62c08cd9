import { AuroraError } from '@aurorasoc/kit/errors';
import { describe, expect, it } from 'vitest';
import type { GraphClient, GraphResult } from '../client/index.js';
import { ALERT_QUEUE, FOLLOW_ALERTS, FOLLOW_INVESTIGATION, RECENT_INVESTIGATIONS } from '../client/operations.js';
import { followQueue, type TailItem } from './follow-queue.js';

const OPENED_AT = ['2026-11-23T10:00:00.000Z', '2026-11-23T11:00:00.000Z'];

function alertOf(id: string, version: number, openedAt = OPENED_AT[0]) {
  const ended = { id: `ended-${id}`, finishedAt: openedAt };
  return {
    __typename: 'Alert',
    id,
    version,
    openedAt,
    investigations: [{ id: `open-${id}`, finishedAt: null }, ended],
  };
}
const changeOf = (alertId: string, version: number) => ({ __typename: 'AlertChange', alertId, version });
const CAUGHT_UP = { __typename: 'CaughtUp' };

/** A graph with the given queue, newest first, whose live field tells the given items. */
function fakeClient(queue: readonly object[], items: readonly object[], failures: readonly Error[] = []) {
  const asked: string[] = [];
  const failing = [...failures];
  const client: GraphClient = {
    query: () => Promise.reject(new Error('unused')),
    execute: async <T>(document: string): Promise<GraphResult<T>> => {
      asked.push(document);
      const investigations = { nodes: ['a', 'b'].map((id) => ({ id: `open-${id}`, finishedAt: null, alertId: id })) };
      if (document === RECENT_INVESTIGATIONS) return { data: { investigations } as T, errors: [] };
      const failure = document === ALERT_QUEUE ? failing.shift() : undefined;
      if (failure) throw failure;
      return { data: { alerts: { nodes: queue }, alert: { title: 'T' } } as T, errors: [] };
    },
    follow: async (document, { id }, { onItem }) => {
      if (document === FOLLOW_ALERTS) for (const item of items) await onItem(item as never, []);
      if (document === FOLLOW_INVESTIGATION)
        await onItem({ __typename: 'InvestigationProgress', kind: 'ENDED', investigationId: id } as never, []);
      return undefined;
    },
  };
  return { client, asked };
}

async function tellAll(
  client: GraphClient,
  more: { last?: number; since?: Date } = {},
  forMs = 1_200,
): Promise<string[]> {
  const ended = new AbortController();
  const told: TailItem[] = [];
  const options = { last: 20, ...more, signal: ended.signal };
  const following = followQueue(client, {
    ...options,
    onItem: (item) => void told.push(item),
    onDisconnect: () => undefined,
    onReconnect: () => undefined,
  });
  setTimeout(() => ended.abort(), forMs);
  await following;
  return told.map((item) => {
    if (item.__typename === 'Alert') return `queue ${item.id}: ${item.investigations?.map(({ id }) => id).join()}`;
    if (item.__typename === 'AlertChange') return `change ${item.alertId} ${item.version}`;
    if (item.__typename === 'InvestigationProgress') return `${item.alert.title} ${item.investigationId}`;
    return item.__typename;
  });
}

describe('following the queue', () => {
  it('begins with the queue, oldest first, and tells no change twice that the queue holds already', async () => {
    const { client } = fakeClient(
      [alertOf('b', 2, OPENED_AT[1]), alertOf('a', 5)],
      [CAUGHT_UP, changeOf('a', 4), changeOf('a', 5), changeOf('a', 6), changeOf('b', 3), changeOf('c', 1), CAUGHT_UP],
    );
    const told = await tellAll(client);
    expect(told.filter((line) => !line.startsWith('T '))).toEqual([
      'queue a: ended-a',
      'queue b: ended-b',
      'change a 6',
      'change b 3',
      'change c 1',
    ]);
    // What had not ended is told from its beginning, and once.
    expect(told.filter((line) => line.startsWith('T '))).toEqual(['T open-a', 'T open-b'].toSorted().toReversed());
  });

  it('tells the queue again when changes may be missing', async () => {
    const { client } = fakeClient([alertOf('a', 5)], [CAUGHT_UP, { __typename: 'ResyncRequired' }, changeOf('a', 6)]);
    const told = await tellAll(client);
    expect(told.filter((line) => !line.startsWith('T '))).toEqual([
      'queue a: ended-a',
      'ResyncRequired',
      expect.stringContaining('queue a'),
      'change a 6',
    ]);
  });

  it('waits for a graph that is away, and ends when it refuses', async () => {
    const away = new AuroraError({ code: 'SERVICE_UNAVAILABLE', publicMessage: 'away' });
    const told = await tellAll(fakeClient([alertOf('a', 5)], [CAUGHT_UP], [away]).client, {}, 2_500);
    expect(told[0]).toBe('queue a: ended-a');
    const refused = new AuroraError({ code: 'FORBIDDEN', publicMessage: 'no' });
    await expect(tellAll(fakeClient([], [CAUGHT_UP], [refused]).client)).rejects.toBe(refused);
  });

  it('begins with what was opened since a moment, or with nothing', async () => {
    const queue = [alertOf('b', 2, OPENED_AT[1]), alertOf('a', 5)];
    const since = new Date(OPENED_AT[1] ?? '');
    expect((await tellAll(fakeClient(queue, [CAUGHT_UP]).client, { since }))[0]).toBe('queue b: ended-b');
    const { client, asked } = fakeClient(queue, [CAUGHT_UP]);
    expect((await tellAll(client, { last: 0 })).filter((line) => line.startsWith('queue'))).toEqual([]);
    expect(asked).not.toContain(ALERT_QUEUE);
  });
});
