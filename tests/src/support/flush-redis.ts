/** Everything in a site's Redis goes: as soon as it answers, since it may be on its way back from another fault. */
import { Redis } from 'ioredis';
import type { RunningSite } from './site.js';
import { eventually } from './wait.js';

const BACK_WITHIN_MS = 30_000;

export async function flushRedis(site: Pick<RunningSite, 'serviceUrl'>): Promise<void> {
  await eventually(
    () => flush(site.serviceUrl('redis')),
    (isDone) => isDone,
    BACK_WITHIN_MS,
  );
}

async function flush(url: string): Promise<boolean> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  redis.on('error', () => undefined); // the rejection below tells
  try {
    await redis.connect();
    await redis.flushall();
    return true;
  } catch {
    return false;
  } finally {
    redis.disconnect();
  }
}
