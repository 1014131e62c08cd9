/** Text from clients that is going to be stored or compared in PostgreSQL. */
import { badUserInput } from '../errors.js';
import { isUuid } from '../ids.js';

const UNSTORABLE = /\0|\p{Surrogate}/u;

/** Index of the first NUL, or half of a surrogate pair, neither of which PostgreSQL can hold as text and JSON; -1 without. */
export function findUnstorable(text: string): number {
  return text.search(UNSTORABLE);
}

/**
 * The text, if PostgreSQL can hold it.
 * @throws AuroraError `BAD_USER_INPUT` for NUL, for half a surrogate pair, and beyond `maxLength` UTF-16 units.
 */
export function storableText(field: string, text: string, maxLength: number): string {
  if (text.length > maxLength) throw badUserInput(field, `At most ${maxLength} characters`);
  if (findUnstorable(text) >= 0) throw badUserInput(field, 'The text holds a character that cannot be stored');
  return text;
}

/** The id, if it is one: compared with a column of UUIDs, PostgreSQL would refuse any other text. @throws AuroraError `BAD_USER_INPUT` */
export function uuidOf(field: string, id: string): string {
  if (!isUuid(id)) throw badUserInput(field, 'An id is a UUID in lower case');
  return id;
}
