/** Connections to Redis: they come back by themselves and fail commands at once while away, so that callers decide. */
import { Redis } from 'ioredis';
import { describeError } from '../errors.js';
import type { Health } from '../health.js';

export type { Redis } from 'ioredis';

/**
 * @param purpose - shown as the connection's client name; one connection per blocking reader.
 * @returns a connection that is being opened; commands fail while it is away.
 */
export function connectRedis(url: string, purpose: string, health: Health): Redis {
  const redis = new Redis(url, {
    connectionName: `aurora ${health.service} ${purpose}`,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    // A command that was sent when the connection broke may have run; its caller must know, not a silent repeat.
    autoResendUnfulfilledCommands: false,
    connectTimeout: 2_000,
    // Longer than any reader blocks: a server that is silent for this long is lost, whatever its socket says.
    socketTimeout: 10_000,
    retryStrategy: (attempt) => Math.min(50 * attempt, 500),
    // A demoted primary answers READONLY: connect anew, the name then leads to its successor.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  redis.on('ready', () => health.set('redis', 'up'));
  redis.on('close', () => health.set('redis', 'degraded', 'the connection is down'));
  redis.on('error', (error) => health.set('redis', 'degraded', describeError(error)));
  return redis;
}

/** Resolves when the connection can take commands, or false after `timeoutMs`. */
export async function whenReady(redis: Redis, timeoutMs: number): Promise<boolean> {
  if (redis.status === 'ready') return true;
  return new Promise((resolve) => {
    const finish = (isReady: boolean): void => {
      clearTimeout(timer);
      redis.off('ready', onReady);
      resolve(isReady);
    };
    const onReady = (): void => finish(true);
    const timer = setTimeout(() => finish(false), timeoutMs);
    redis.once('ready', onReady);
  });
}
