import { batchIdAt, newBatchId } from '@aurorasoc/kit/ids';
import { beforeEach, describe, expect, it } from 'vitest';
import { IdempotencyWindow, type KnownRequest } from './idempotency.js';

const HOUR_MS = 3_600_000;

let now: number;
let window: IdempotencyWindow;
beforeEach(() => {
  now = Date.parse('2026-01-02T00:00:00.000Z');
  window = new IdempotencyWindow(() => now, 4);
});
const open = (tenant: string, key: string): KnownRequest => window.open(tenant, key, 'digest', 3);
const isKnown = (tenant: string, request: KnownRequest, key: string): boolean => open(tenant, key) === request;

describe('the window of keys', () => {
  it('takes a tenant that brings many keys its own oldest ones, and no other tenant any', () => {
    const quiet = open('quiet', 'a');
    const busy = Array.from({ length: 10 }, (_, n) => open('busy', String(n)));
    expect(isKnown('quiet', quiet, 'a')).toBe(true);
    for (const n of [7, 8, 9]) expect(isKnown('busy', busy[n] as KnownRequest, String(n))).toBe(true);
    expect(isKnown('busy', busy[6] as KnownRequest, '6')).toBe(false);
  });

  it('gives up keys whose day is over first, also those of a tenant that sends nothing any more', () => {
    open('gone', 'a');
    now += 25 * HOUR_MS;
    const live = ['a', 'b', 'c', 'd'].map((key) => open('live', key));
    for (const [n, key] of ['a', 'b', 'c', 'd'].entries())
      expect(isKnown('live', live[n] as KnownRequest, key)).toBe(true);
  });

  it('keeps a request that is being stored, by number and by age', () => {
    const storing = open('tenant', 'a');
    storing.storing = new Promise(() => undefined);
    for (let n = 0; n < 10; n++) open('tenant', String(n));
    now += 25 * HOUR_MS;
    expect(isKnown('tenant', storing, 'a')).toBe(true);
    storing.storing = undefined;
    expect(isKnown('tenant', storing, 'a')).toBe(false);
  });

  it('forgets a key after a day', () => {
    const request = open('tenant', 'a');
    now += 24 * HOUR_MS;
    expect(isKnown('tenant', request, 'a')).toBe(true);
    now += 1;
    expect(isKnown('tenant', request, 'a')).toBe(false);
  });

  it('forgets one in a hundred of the keys of whoever has the most, the oldest', () => {
    window = new IdempotencyWindow(() => now, 200);
    const requests = Array.from({ length: 201 }, (_, n) => open('tenant', String(n)));
    expect(isKnown('tenant', requests[2] as KnownRequest, '2')).toBe(true);
    expect(isKnown('tenant', requests[1] as KnownRequest, '1')).toBe(false);
  });

  it('learns a whole request from any one of its records', () => {
    const first = newBatchId();
    const received = new Date(now).toISOString();
    const request = { key: 'a', digest: 'digest', first, index: 1, total: 3 };
    window.recover({ id: batchIdAt(first, 1), tenant: 'tenant', received, lines: 1, request });
    const known = open('tenant', 'a');
    expect(known).toMatchObject({ first, received, total: 3 });
    expect([0, 1, 2].map((index) => known.hasStored(index))).toEqual([false, true, false]);
  });
});
