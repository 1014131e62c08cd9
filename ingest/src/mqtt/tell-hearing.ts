/**
 * Tells the site since when devices' telemetry is taken in without a break: a device that is not heard of while nobody listens
 * need not be silent. All processes that listen share the one key; it is gone soon after the last of them.
 */
import type { Redis } from '@aurorasoc/kit/streams';

/** Since when, milliseconds of the Unix epoch. A contract with the domain devices. */
export const HEARING_KEY = 'aurora:ingest:hearing';
const TELL_EVERY_MS = 500;
/** Well below any sensible grace: until then a broker that has gone still counts as listened to. */
const KEEP_MS = 3_000;

/** @returns ends it. */
export function tellHearing(redis: Redis, isHearing: () => boolean): () => void {
  const timer = setInterval(() => {
    if (!isHearing()) return;
    // While Redis is away nothing is heard either: what was told expires, and the next time is a new beginning.
    redis
      .multi()
      .set(HEARING_KEY, Date.now(), 'PX', KEEP_MS, 'NX')
      .pexpire(HEARING_KEY, KEEP_MS)
      .exec()
      .catch(() => undefined);
  }, TELL_EVERY_MS);
  return () => clearInterval(timer);
}
