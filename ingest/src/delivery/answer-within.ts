/** Redis that neither answers nor closes: stopped, or behind a network that swallows packets. */
import { TransientError } from '@aurorasoc/kit/errors';
import type { Redis } from '@aurorasoc/kit/streams';

/**
 * A command's answer. When none comes in time the connection is closed and opened anew, which also ends all other commands
 * that wait on it.
 *
 * @throws TransientError when no answer came; what the command threw.
 */
export async function answerWithin<T>(redis: Redis, timeoutMs: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new TransientError(`Redis gave no answer within ${timeoutMs} ms`));
      redis.disconnect(true);
    }, timeoutMs);
  });
  try {
    return await Promise.race([answer, silence]);
  } finally {
    clearTimeout(timer);
    // Should the connection end later, nobody waits for this rejection any more.
    answer.catch(() => undefined);
  }
}
