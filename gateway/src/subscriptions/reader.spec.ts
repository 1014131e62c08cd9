import fc from 'fast-check';
import type { ExecutionResult } from 'graphql';
import { describe, expect, it } from 'vitest';
import type { Session } from '../auth/authenticator.js';
import type { LiveItem } from './live-item.js';
import { Reader } from './reader.js';
import type { RingLimits } from './ring.js';

const session = { sharing: 'ann', expiresAt: 0 } as Session;
const cursorOf = (position: number, epoch = 'a') =>
  epoch.repeat(16) + position.toString(16).padStart(16, '0') + '0'.repeat(16);
const changeAt = (position: number, bytes = 10, epoch = 'a'): LiveItem => ({
  kind: 'change',
  cursor: cursorOf(position, epoch),
  result: { data: { position } },
  bytes,
});
const resyncAt = (since: string): LiveItem => ({
  kind: 'resync',
  cursor: since,
  result: { data: { since: Number.parseInt(since.slice(16, 32), 16) } },
  bytes: 5,
});

function createReader(limits: RingLimits, after?: string) {
  const overflows: number[] = [];
  let closed = 0;
  const reader = new Reader({
    session,
    limits,
    after,
    shapeResync: resyncAt,
    onOverflow: (dropped) => overflows.push(dropped),
    onClose: () => closed++,
  });
  return { reader, overflows, closed: () => closed };
}

async function read(reader: Reader): Promise<Record<string, unknown>> {
  const { value } = await reader.next();
  return (value as ExecutionResult).data ?? {};
}

describe('a reader', () => {
  it('delivers items in order, those that the client has not', async () => {
    const { reader } = createReader({ maxItems: 10, maxBytes: 1_000 }, cursorOf(2));
    for (const position of [1, 2, 3, 3, 4]) reader.offer(changeAt(position));
    expect([await read(reader), await read(reader)]).toEqual([{ position: 3 }, { position: 4 }]);
  });

  it('delivers "caught up" at the place of the last change, but not one from behind it', async () => {
    const { reader } = createReader({ maxItems: 10, maxBytes: 1_000 });
    const caughtUp = (position: number): LiveItem => ({
      ...changeAt(position),
      kind: 'caught-up',
      result: { data: { caughtUp: position } },
    });
    reader.offer(changeAt(5));
    reader.offer(caughtUp(4));
    reader.offer(caughtUp(5));
    reader.offer(changeAt(6));
    expect([await read(reader), await read(reader), await read(reader)]).toEqual([
      { position: 5 },
      { caughtUp: 5 },
      { position: 6 },
    ]);
  });

  it('does not compare places of different epochs', async () => {
    const { reader } = createReader({ maxItems: 10, maxBytes: 1_000 }, cursorOf(900));
    reader.offer(changeAt(1, 10, 'b'));
    expect(await read(reader)).toEqual({ position: 1 });
  });

  it('replaces a full queue by one resync whose place is the last dropped item', async () => {
    const { reader, overflows } = createReader({ maxItems: 3, maxBytes: 1_000 });
    for (const position of [1, 2, 3, 4, 5]) reader.offer(changeAt(position));
    expect(overflows).toEqual([3]);
    expect([await read(reader), await read(reader), await read(reader)]).toEqual([
      { since: 3 },
      { position: 4 },
      { position: 5 },
    ]);
  });

  it('drops an item that alone is larger than the queue, and counts it', async () => {
    const { reader, overflows } = createReader({ maxItems: 10, maxBytes: 100 });
    reader.offer(changeAt(1));
    reader.offer(changeAt(2, 500));
    reader.offer(changeAt(3));
    expect([await read(reader), await read(reader)]).toEqual([{ since: 2 }, { position: 3 }]);
    expect(overflows).toEqual([2]);
  });

  it('drops without a word where fields have no cursor', async () => {
    const reader = new Reader({
      session,
      limits: { maxItems: 2, maxBytes: 100 },
      after: undefined,
      shapeResync: undefined,
      onOverflow: () => undefined,
      onClose: () => undefined,
    });
    for (const position of [1, 2, 3]) reader.offer({ ...changeAt(position), cursor: undefined });
    expect(await read(reader)).toEqual({ position: 3 });
  });

  it('wakes a waiting client at once when it leaves, and closes once', async () => {
    const { reader, closed } = createReader({ maxItems: 3, maxBytes: 1_000 });
    const waiting = reader.next();
    await reader.return();
    expect(await waiting).toEqual({ value: undefined, done: true });
    await reader.return();
    expect(closed()).toBe(1);
  });

  it('gives out what is queued before the error that ends it', async () => {
    const { reader } = createReader({ maxItems: 3, maxBytes: 1_000 });
    reader.offer(changeAt(1));
    const { GraphQLError } = await import('graphql');
    reader.end(new GraphQLError('over'));
    expect(await read(reader)).toEqual({ position: 1 });
    await expect(reader.next()).rejects.toThrow('over');
  });

  it('lets writers wait until most of the queue is free, or the client is gone', async () => {
    const { reader } = createReader({ maxItems: 4, maxBytes: 1_000 });
    for (const position of [1, 2, 3]) reader.offer(changeAt(position));
    let isRoom = false;
    const waiting = reader.whenRoom().then(() => {
      isRoom = true;
    });
    await read(reader);
    expect(isRoom).toBe(false);
    await read(reader);
    await waiting;
    for (const position of [4, 5]) reader.offer(changeAt(position));
    const second = reader.whenRoom();
    await reader.return();
    await second;
  });

  it('for any pace of reading: every change is delivered once and in order, or is at or before the place of a resync', async () => {
    const step = fc.oneof(fc.record({ offer: fc.integer({ min: 1, max: 60 }) }), fc.constant('read' as const));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
        const { reader } = createReader({ maxItems: 4, maxBytes: 100 });
        let offered = 0;
        let place = 0;
        const take = async (): Promise<void> => {
          const item = await read(reader);
          if (item.since !== undefined) {
            expect(item.since).toBeGreaterThan(place);
            place = Number(item.since);
          } else {
            expect(item.position).toBe(place + 1);
            place++;
          }
        };
        for (const action of steps) {
          if (action !== 'read') reader.offer(changeAt(++offered, action.offer));
          else if (place < offered) await take();
        }
        while (place < offered) await take();
      }),
    );
  });
});
