import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Session } from '../auth/authenticator.js';
import type { Feed } from './feed.js';
import { Hub } from './hub.js';
import type { LiveItem } from './live-item.js';
import { Reader } from './reader.js';

const cursorOf = (position: number, epoch = 'a') =>
  epoch.repeat(16) + position.toString(16).padStart(16, '0') + '0'.repeat(16);
const changeAt = (position: number, epoch = 'a'): LiveItem => ({
  kind: 'change',
  cursor: cursorOf(position, epoch),
  result: { data: { position } },
  bytes: 1,
});
const sessionUntil = (expiresAt: number) => ({ sharing: 'ann', expiresAt }) as Session;

function createHub(options: { place: number; kept?: number; graceMs?: number }) {
  const feed = { closed: 0, close: () => feed.closed++ };
  let emptied = 0;
  const hub = new Hub({
    feed: feed as unknown as Feed,
    place: cursorOf(options.place),
    isCaughtUp: true,
    history: { maxItems: options.kept ?? 100, maxBytes: 1_000 },
    graceMs: options.graceMs ?? 5,
    onEmpty: () => emptied++,
  });
  return { hub, feed, emptied: () => emptied };
}

function createReader(place: number, maxItems = 1_000, session = sessionUntil(1)) {
  return new Reader({
    session,
    limits: { maxItems, maxBytes: 1_000_000 },
    after: cursorOf(place),
    shapeResync: undefined,
    onOverflow: () => undefined,
    onClose: () => undefined,
  });
}

async function readAll(reader: Reader): Promise<number[]> {
  reader.end();
  const positions: number[] = [];
  for await (const result of reader) positions.push(Number(result.data?.position));
  return positions;
}

describe('a hub', () => {
  it('takes a client in without a hole, wherever the two feeds stand when it steps over', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 20 }),
        fc.integer({ min: 0, max: 20 }),
        fc.integer({ min: 0, max: 20 }),
        async (hubAt, ownAt, later) => {
          const { hub } = createHub({ place: 0 });
          hub.join(createReader(0), cursorOf(0));
          for (let position = 1; position <= hubAt; position++) await hub.take(changeAt(position));
          const reader = createReader(ownAt);
          expect(hub.join(reader, cursorOf(ownAt))).toBe(true);
          const last = hubAt + later;
          for (let position = hubAt + 1; position <= last; position++) await hub.take(changeAt(position));
          const expected = Array.from({ length: Math.max(0, last - ownAt) }, (_, index) => ownAt + index + 1);
          expect(await readAll(reader)).toEqual(expected);
        },
      ),
    );
  });

  it('turns a client away whose place is older than the history, and takes it once it has read on', async () => {
    const { hub } = createHub({ place: 0, kept: 3 });
    hub.join(createReader(0), cursorOf(0));
    for (let position = 1; position <= 10; position++) await hub.take(changeAt(position));
    const reader = createReader(6);
    expect(hub.join(reader, cursorOf(6))).toBe(false);
    reader.offer(changeAt(7));
    expect(hub.join(reader, cursorOf(7))).toBe(true);
    expect(await readAll(reader)).toEqual([7, 8, 9, 10]);
  });

  it('turns a client away whose queue all that it lacks would overflow, and takes it once it has read on', async () => {
    const { hub } = createHub({ place: 0 });
    hub.join(createReader(0), cursorOf(0));
    for (let position = 1; position <= 100; position++) await hub.take(changeAt(position));
    const reader = createReader(0, 100);
    expect(hub.join(reader, cursorOf(0))).toBe(false);
    for (let position = 1; position <= 70; position++) {
      reader.offer(changeAt(position));
      await reader.next();
    }
    expect(hub.join(reader, reader.place)).toBe(true);
    expect(await readAll(reader)).toEqual(Array.from({ length: 30 }, (_, index) => 71 + index));
  });

  it('makes nobody wait for one that joins with much to read', async () => {
    const { hub } = createHub({ place: 0, graceMs: 60_000 });
    hub.join(createReader(0), cursorOf(0));
    for (let position = 1; position <= 40; position++) await hub.take(changeAt(position));
    const reader = createReader(0, 100);
    expect(hub.join(reader, cursorOf(0))).toBe(true);
    await hub.take(changeAt(41));
    expect(await readAll(reader)).toHaveLength(41);
  });

  it('keeps no "caught up" for clients that come later', async () => {
    const { hub } = createHub({ place: 0 });
    hub.join(createReader(0), cursorOf(0));
    await hub.take(changeAt(1));
    for (let quiet = 0; quiet < 200; quiet++) await hub.take({ ...changeAt(1), kind: 'caught-up' });
    const reader = createReader(0);
    expect(hub.join(reader, cursorOf(0))).toBe(true);
    expect(await readAll(reader)).toEqual([1]);
  });

  it('hands on items that failed as a whole, and so have no cursor, behind the one before them', async () => {
    const { hub } = createHub({ place: 0 });
    hub.join(createReader(0), cursorOf(0));
    const failedAt = (position: number): LiveItem => ({ ...changeAt(position), cursor: undefined });
    for (const item of [changeAt(1), changeAt(2), failedAt(3), failedAt(4), changeAt(5)]) await hub.take(item);
    const [behind, between] = [createReader(1), createReader(2)];
    for (const reader of [behind, between]) expect(hub.join(reader, reader.place)).toBe(true);
    expect(await readAll(behind)).toEqual([2, 3, 4, 5]);
    // One that stands before failures has had them on its own feed by the time at which it joins.
    expect(await readAll(between)).toEqual([5]);
  });

  it('gives nobody a resync that is past', async () => {
    const { hub } = createHub({ place: 0 });
    hub.join(createReader(0), cursorOf(0));
    for (const item of [changeAt(4), { ...changeAt(5), kind: 'resync' as const }, changeAt(6), changeAt(7)])
      await hub.take(item);
    const [before, behind] = [createReader(4), createReader(6)];
    expect(hub.join(before, before.place)).toBe(false);
    expect(hub.join(behind, behind.place)).toBe(true);
    expect(await readAll(behind)).toEqual([7]);
  });

  it('turns clients of another epoch away until it is there itself', async () => {
    const { hub } = createHub({ place: 5 });
    hub.join(createReader(5), cursorOf(5));
    expect(hub.join(createReader(0), cursorOf(1, 'b'))).toBe(false);
    await hub.take({ ...changeAt(3, 'b'), kind: 'resync' });
    expect(hub.join(createReader(0), cursorOf(3, 'b'))).toBe(true);
  });

  it('waits for a reader that is behind once, then lets it fall behind alone', async () => {
    const { hub } = createHub({ place: 0, graceMs: 30 });
    const [slow, quick] = [createReader(0, 4), createReader(0, 4)];
    for (const reader of [slow, quick]) hub.join(reader, cursorOf(0));
    const seen: number[] = [];
    const reading = (async () => {
      for await (const result of quick) seen.push(Number(result.data?.position));
    })();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    let taken = 0;
    const taking = (async () => {
      for (let position = 1; position <= 50; position++, taken++) await hub.take(changeAt(position));
    })();
    await vi.advanceTimersByTimeAsync(29);
    expect(taken).toBeLessThan(50);
    expect(slow.isLagging).toBe(false);
    // The grace of one wait is enough for all fifty.
    await vi.advanceTimersByTimeAsync(1);
    await taking;
    expect(slow.isLagging).toBe(true);
    quick.end();
    await reading;
    expect(seen).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
  });

  it('does not wait for a reader that has stood still for the grace before its queue filled up', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const { hub } = createHub({ place: 0, graceMs: 30 });
    const standing = createReader(0, 8);
    hub.join(standing, cursorOf(0));
    await hub.take(changeAt(1));
    await vi.advanceTimersByTimeAsync(30);
    // No time goes by from here on: a wait would never end.
    for (let position = 2; position <= 50; position++) await hub.take(changeAt(position));
    expect(standing.isLagging).toBe(true);
  });

  it('waits for a reader that took its last item just now, however long its queue was empty before', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const { hub } = createHub({ place: 0, graceMs: 30 });
    const idle = createReader(0, 4);
    hub.join(idle, cursorOf(0));
    await vi.advanceTimersByTimeAsync(1_000);
    await hub.take(changeAt(1));
    const waiting = hub.take(changeAt(2));
    expect(idle.isLagging).toBe(false);
    for (let taken = 0; taken < 2; taken++) await idle.next();
    await waiting;
    expect(idle.isLagging).toBe(false);
  });

  it('speaks for the session that lasts longest, and closes its feed when the last reader leaves', () => {
    const { hub, feed, emptied } = createHub({ place: 0 });
    const readers = [createReader(0, 10, sessionUntil(7)), createReader(0, 10, sessionUntil(9))];
    for (const reader of readers) hub.join(reader, cursorOf(0));
    expect(hub.session().expiresAt).toBe(9);
    hub.leave(readers[1] as Reader);
    expect(hub.session().expiresAt).toBe(7);
    expect(feed.closed).toBe(0);
    hub.leave(readers[0] as Reader);
    expect([feed.closed, emptied()]).toEqual([1, 1]);
  });
});
