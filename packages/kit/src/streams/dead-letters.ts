/** The dead-letter stream beside each stream: what could not be handled, with the reason, kept for a person. */
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { AuroraError, describeError } from '../errors.js';
import type { StreamEntry } from './entry.js';

export function deadLetterStream(stream: string): string {
  return `${stream}:dead`;
}

export interface DeadLetter {
  readonly group: string;
  readonly attempts: number;
  readonly error: unknown;
}

/**
 * Moves an entry to the dead letters and acknowledges it, in one step.
 * The letter holds the entry's fields as they were, and beside them `dead_*`: stream, group, id, code, reason, attempts,
 * time and the SHA-256 of the payload.
 */
export async function buryEntry(redis: Redis, entry: StreamEntry, letter: DeadLetter): Promise<void> {
  const payload = JSON.stringify([...entry.fields]);
  const facts = {
    dead_stream: entry.stream,
    dead_group: letter.group,
    dead_id: entry.entryId,
    dead_code: letter.error instanceof AuroraError ? letter.error.code : 'HANDLER_FAILED',
    dead_reason: describeError(letter.error).slice(0, 2_000),
    dead_attempts: String(letter.attempts),
    dead_at: new Date().toISOString(),
    dead_sha256: createHash('sha256').update(payload).digest('hex'),
  };
  const results = await redis
    .multi()
    .xadd(deadLetterStream(entry.stream), '*', ...[...entry.fields].flat(), ...Object.entries(facts).flat())
    .xack(entry.stream, letter.group, entry.entryId)
    .exec();
  const failure = results?.find(([error]) => error)?.[0];
  if (failure) throw failure;
}
