/**
 * Identifiers and time. Every id is a UUIDv7 (RFC 9562, section 5.7): it sorts by creation and carries its millisecond.
 */
import { v7 } from 'uuid';
import { z } from 'zod';

/** Time as an injected dependency: tests pass their own. */
export type Clock = () => Date;
export const systemClock: Clock = () => new Date();

/** A UUIDv7, lower case. Ids of one process made in the same millisecond keep their order. */
export type IdGenerator = () => string;
export const newId: IdGenerator = () => v7();

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** True for the lower-case text form of any UUID. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** Stands for nobody (RFC 9562, section 5.9): rows and events of the site itself. No tenant has this id. */
export const NO_TENANT = '00000000-0000-0000-0000-000000000000';

/**
 * The id of a tenant as files and variables give it, in lower case: rows, streams and erasures compare it as text. The one
 * that stands for nobody is refused, since whatever were written for it could never be erased.
 */
export const tenantIdSchema = z
  .uuid()
  .toLowerCase()
  .refine((id) => id !== NO_TENANT, { error: 'is the id that stands for nobody' });

/** Milliseconds since the Unix epoch that a UUIDv7 carries; `undefined` for any other text. */
export function timestampOf(id: string): number | undefined {
  if (!isUuid(id) || id[14] !== '7') return undefined;
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** The most lines that one batch of events may hold: the line number has 16 bits of the event's id. */
export const MAX_BATCH_LINES = 65_536;

/** An id for a batch of events: a UUIDv7 whose last 16 bits are zero, kept free for the line number. */
export function newBatchId(generate: IdGenerator = newId): string {
  return `${generate().slice(0, 32)}0000`;
}

const WORD = 2 ** 32;

/**
 * The id of a further batch of the same request: whoever knows one of them knows all.
 *
 * @param first - from {@link newBatchId}.
 * @param index - 0 gives `first` itself; counted in random bits, so that the ids of two requests do not meet.
 */
export function batchIdAt(first: string, index: number): string {
  const word = (Number.parseInt(first.slice(24, 32), 16) + index) % WORD;
  return `${first.slice(0, 24)}${word.toString(16).padStart(8, '0')}0000`;
}

/**
 * The id of one event of a batch: the batch's id with the line number in its last 16 bits. A redelivered batch therefore
 * meets its own keys, and the day of its partition can be read off the id.
 *
 * @param line - 0-based position in the batch, below {@link MAX_BATCH_LINES}.
 */
export function eventIdOf(batchId: string, line: number): string {
  if (!Number.isInteger(line) || line < 0 || line >= MAX_BATCH_LINES)
    throw new RangeError(`line ${line} is outside a batch`);
  return batchId.slice(0, 32) + line.toString(16).padStart(4, '0');
}
