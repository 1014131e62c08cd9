import type { Database } from '@aurorasoc/kit/database';
import type { Logger } from '@aurorasoc/kit/log';
import type { Redis } from '@aurorasoc/kit/streams';
import { describe, expect, it, vi } from 'vitest';
import type { DeviceLog } from './device-log.js';
import { type Hearing, readHearing } from './hearing.js';
import { PresenceWatch } from './presence-watch.js';

const NOW = new Date('2026-01-02T03:04:05.678Z');

/** What is read of a Redis in which one instance of ingest told so, without any stream. */
function readTold(listeners: () => Promise<string[]>, telling = ''): Promise<Hearing> {
  const redis = { zrange: listeners, mget: async () => [telling] };
  return readHearing(redis as unknown as Redis, [], 'group', NOW);
}

describe('what was heard', () => {
  it('is that nobody listens while Redis is away', async () => {
    const heard = await readTold(() => Promise.reject(new Error('Connection is closed.')));
    expect(heard).toEqual({ since: undefined, until: NOW });
  });

  it.each([
    ['is no JSON', 'since'],
    ['lacks how far it was heard', '{"since":1}'],
    ['has no time', '{"since":1,"sentUntil":0}'],
  ])('is not known where what ingest told %s', async (_, telling) => {
    await expect(readTold(async () => ['one'], telling)).rejects.toThrow();
  });

  it('is not known where Redis refuses to tell, which the watch writes down, and judges nobody', async () => {
    const refusal = new Error('WRONGTYPE Operation against a key holding the wrong kind of value');
    const warn = vi.fn();
    const execute = vi.fn(async () => []);
    const watch = new PresenceWatch({
      database: { execute } as unknown as Database,
      deviceLog: {} as DeviceLog,
      log: { warn } as unknown as Logger,
      graceMs: 60_000,
      hearing: () => readTold(() => Promise.reject(refusal)),
    });
    await watch.look();
    expect(warn).toHaveBeenCalledExactlyOnceWith(
      { error: expect.stringContaining('WRONGTYPE') },
      expect.stringContaining('could not be looked for'),
    );
    // The tenants that were erased, before anybody is judged.
    expect(execute).toHaveBeenCalledOnce();
  });
});
