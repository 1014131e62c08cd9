/**
 * Tells the site whether this process hears devices, since when, and how far what it heard is on the streams: a device that is
 * not heard of while its messages lie elsewhere need not be silent.
 *
 * The broker spreads messages over all sessions, and what lies in one that nobody is connected to is heard by nobody. So
 * every process tells for itself, and is expected to for as long as the broker keeps its session: also after a stop, which
 * leaves the session where it is.
 */
import type { Redis } from '@aurorasoc/kit/streams';

/**
 * Who is expected to tell: a sorted set of instances, scored by when the broker drops their sessions, milliseconds of the Unix
 * epoch. A contract with the domain devices, as what follows.
 */
export const LISTENERS_KEY = 'aurora:ingest:listeners';

/** There while the instance hears; a {@link TellingOfHearing} as JSON. */
export function hearingKeyOf(instanceId: string): string {
  return `aurora:ingest:hearing:${instanceId}`;
}

/** Milliseconds of the Unix epoch, whole ones. */
export interface TellingOfHearing {
  /** Since when it has heard its share without a break. */
  readonly since: number;
  /** The broker was heard of until then at least, and everything that was received before is on the streams. */
  readonly sentUntil: number;
}

export interface TellHearingOptions {
  readonly redis: Redis;
  readonly instanceId: string;
  /** How long the broker keeps sessions without a connection, milliseconds. */
  readonly sessionExpiryMs: number;
  readonly isHearing: () => boolean;
  readonly sentUntilMs: () => number;
}

const TELL_EVERY_MS = 500;
/** So long a process that was killed counts as one that hears, as far as it told; then nobody is known to be silent. */
const KEEP_MS = 3_000;

/** @returns ends it, and says that this process hears no more. */
export function tellHearing({
  redis,
  instanceId,
  sessionExpiryMs,
  isHearing,
  sentUntilMs,
}: TellHearingOptions): () => Promise<void> {
  const key = hearingKeyOf(instanceId);
  let since: number | undefined;
  let telling: Promise<void> | undefined;

  const tell = async (): Promise<void> => {
    const now = Date.now();
    const wasHearing = since !== undefined;
    since = isHearing() ? (since ?? now) : undefined;
    const commands = redis
      .multi()
      .zremrangebyscore(LISTENERS_KEY, '-inf', now)
      .zadd(LISTENERS_KEY, now + sessionExpiryMs, instanceId);
    if (since === undefined) return void (await commands.del(key).exec());
    const text = JSON.stringify({ since, sentUntil: Math.floor(sentUntilMs()) } satisfies TellingOfHearing);
    if (!wasHearing) return void (await commands.set(key, text, 'PX', KEEP_MS).exec());
    const replies = await commands.set(key, text, 'PX', KEEP_MS, 'XX').exec();
    // What was told is gone: Redis was away or emptied, or this process stood still. The next time is a new beginning.
    if (replies?.at(-1)?.[1] === null) since = undefined;
  };

  const timer = setInterval(() => {
    telling ??= tell()
      .catch(() => {
        // While Redis is away nothing reaches the site either.
        since = undefined;
      })
      .finally(() => {
        telling = undefined;
      });
  }, TELL_EVERY_MS);
  return async () => {
    clearInterval(timer);
    await telling;
    await redis.del(key).catch(() => undefined);
  };
}
