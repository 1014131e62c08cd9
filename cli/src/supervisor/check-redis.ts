import { AuroraError } from '@aurorasoc/kit/errors';
import { Health } from '@aurorasoc/kit/health';
import { newId } from '@aurorasoc/kit/ids';
import { connectRedis, type Redis, whenReady } from '@aurorasoc/kit/streams';

const CONNECT_WITHIN_MS = 3_000;
/** Consumer groups, `XAUTOCLAIM` and functions as they are used need it. */
const LEAST_VERSION = 7;

/**
 * Writes to a stream, reads it back and removes it.
 * @returns the server's version.
 * @throws AuroraError `SERVICE_UNAVAILABLE` saying what did not work.
 */
export async function checkRedis(url: string): Promise<string> {
  const { host } = new URL(url);
  const redis = connectRedis(url, 'check', new Health('aurora'));
  try {
    if (!(await whenReady(redis, CONNECT_WITHIN_MS))) {
      throw unavailable(`Redis at ${host} cannot be reached; start it, or correct REDIS_URL`);
    }
    return await tryStream(redis, host);
  } finally {
    redis.disconnect();
  }
}

async function tryStream(redis: Redis, host: string): Promise<string> {
  const stream = `aurora:check:${newId()}`;
  try {
    await redis.xadd(stream, '*', 'probe', '1');
    const length = await redis.xlen(stream);
    await redis.del(stream);
    if (length !== 1) throw new Error('an entry that was written cannot be read');
    const version = /^redis_version:(\S+)/m.exec(await redis.info('server'))?.[1] ?? 'unknown';
    if (Number.parseInt(version, 10) < LEAST_VERSION)
      throw new Error(`version ${version} is older than ${LEAST_VERSION}`);
    return version;
  } catch (cause) {
    throw unavailable(
      `Redis at ${host} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    );
  }
}

function unavailable(publicMessage: string, cause?: unknown): AuroraError {
  return new AuroraError({ code: 'SERVICE_UNAVAILABLE', publicMessage, cause });
}
