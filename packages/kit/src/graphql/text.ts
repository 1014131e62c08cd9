/** Text from clients that is going to be stored or compared in PostgreSQL. */
import { badUserInput } from '../errors.js';

/**
 * The text, if PostgreSQL can hold it.
 * @throws AuroraError `BAD_USER_INPUT` for NUL, for half a surrogate pair, and beyond `maxLength` UTF-16 units.
 */
export function storableText(field: string, text: string, maxLength: number): string {
  if (text.length > maxLength) throw badUserInput(field, `At most ${maxLength} characters`);
  if (text.includes('\0') || !text.isWellFormed())
    throw badUserInput(field, 'The text holds a character that cannot be stored');
  return text;
}
