/** Moments from clients that are going to be stored or compared in PostgreSQL. */
import { badUserInput } from '../errors.js';

const FIRST_MS = Date.parse('0001-01-01T00:00:00.000Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * The moment, if PostgreSQL and RFC 3339 can both write it in UTC: it knows no year 0, which a scalar DateTime lets pass.
 * @throws AuroraError `BAD_USER_INPUT`
 */
export function storableTime(field: string, time: Date): Date {
  if (time.getTime() >= FIRST_MS && time.getTime() <= LAST_MS) return time;
  throw badUserInput(field, 'A moment lies in the years 0001 to 9999, in UTC');
}
