import { beforeEach, describe, expect, it } from 'vitest';
import { DeliveryQueue, MAX_RESEND_MS } from './delivery-queue.js';

let now: number;
let queue: DeliveryQueue;
beforeEach(() => {
  now = 0;
  queue = new DeliveryQueue({ maxBatches: 3, maxBytes: 100, resendMs: 1_000, now: () => now });
});

const add = (...ids: string[]): void => {
  for (const id of ids) queue.add({ id, bytes: 10 });
};
const takeAll = (): string[] => {
  const taken: string[] = [];
  for (let batch = queue.take(); batch !== undefined; batch = queue.take()) taken.push(batch.id);
  return taken;
};
const sendAll = (): string[] => {
  const sent = takeAll();
  for (const id of sent) queue.markSent(id);
  return sent;
};

describe('DeliveryQueue', () => {
  it('sends in the order of acceptance, and no more than the window holds', () => {
    add('a', 'b', 'c', 'd', 'e');
    expect(sendAll()).toEqual(['a', 'b', 'c']);
    queue.acknowledge('b');
    expect(sendAll()).toEqual(['d']);
  });

  it('knows the oldest batch that the stream does not hold', () => {
    expect(queue.oldestUnsent).toBeUndefined();
    add('a', 'b', 'c', 'd');
    expect(queue.oldestUnsent).toBe('a');
    expect(queue.take()?.id).toBe('a');
    expect(queue.oldestUnsent).toBe('a');
    queue.markSent('a');
    expect(queue.oldestUnsent).toBe('b');
    sendAll();
    expect(queue.oldestUnsent).toBe('d');
    queue.sendAllAgain();
    expect(queue.oldestUnsent).toBe('a');
    for (const id of ['a', 'b', 'c', 'd']) queue.acknowledge(id);
    expect(queue.oldestUnsent).toBeUndefined();
  });

  it('counts bytes against the window, but always sends one batch', () => {
    queue.add({ id: 'large', bytes: 500 });
    add('small');
    expect(sendAll()).toEqual(['large']);
    queue.acknowledge('large');
    expect(sendAll()).toEqual(['small']);
  });

  it('tries a batch whose sending failed before all others', () => {
    add('a', 'b');
    expect(queue.take()?.id).toBe('a');
    queue.markFailed('a');
    expect(queue.take()?.id).toBe('a');
  });

  it('tells the first time that a batch is sent from the others', () => {
    add('a');
    expect(queue.take()?.isRepeat).toBe(false);
    queue.markFailed('a');
    expect(queue.take()?.isRepeat).toBe(false);
    queue.markSent('a');
    queue.sendAllAgain();
    expect(queue.take()?.isRepeat).toBe(true);
  });

  it('sends everything again at once when the stream is lost, also what was on its way', () => {
    add('a', 'b', 'c');
    queue.take();
    queue.take();
    queue.markSent('a');
    expect(queue.sendAllAgain()).toBe(1);
    queue.markSent('b');
    expect(sendAll().sort()).toEqual(['a', 'b', 'c']);
  });

  it('waits twice as long after each time without acknowledgement, up to a limit', () => {
    add('a');
    sendAll();
    const waits: number[] = [];
    for (let round = 0; round < 12; round++) {
      const from = now;
      while (queue.sendDueAgain() === 0) now += 500;
      waits.push(now - from);
      sendAll();
    }
    expect(waits.slice(0, 4)).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(Math.max(...waits)).toBe(MAX_RESEND_MS);
  });

  it('sends one batch as a probe while nothing is acknowledged, another one each time, and all that are due after a sign of life', () => {
    add('a', 'b', 'c');
    sendAll();
    now = 1_000;
    expect(queue.sendDueAgain()).toBe(1);
    expect(queue.sendDueAgain()).toBe(0);
    expect(sendAll()).toEqual(['a']);
    now = 2_000;
    expect(queue.sendDueAgain()).toBe(1);
    expect(sendAll()).toEqual(['b']);
    queue.acknowledge('b');
    now = 2_999;
    expect(queue.sendDueAgain()).toBe(1);
    expect(sendAll()).toEqual(['c']);
    now = 3_000;
    queue.acknowledge('c');
    expect(queue.sendDueAgain()).toBe(1);
  });

  it('forgets an acknowledged batch in every state and frees its place in the window', () => {
    add('ready', 'sending', 'sent');
    queue.acknowledge('ready');
    expect(queue.take()?.id).toBe('sending');
    expect(queue.take()?.id).toBe('sent');
    queue.markSent('sent');
    queue.acknowledge('sending');
    queue.acknowledge('sent');
    queue.markSent('sending');
    queue.markFailed('sending');
    expect(queue.sendAllAgain()).toBe(0);
    expect(queue.isIdle).toBe(true);
    add('a', 'b', 'c');
    expect(takeAll()).toHaveLength(3);
  });

  it('lets others go first when a batch itself cannot be sent', () => {
    add('unreadable', 'a');
    queue.take();
    queue.postpone('unreadable');
    expect(sendAll()).toEqual(['a']);
    now = 1_000;
    queue.acknowledge('a');
    expect(queue.sendDueAgain()).toBe(1);
  });
});
