/**
 * Operators on text. Only ASCII letters change case and only ASCII white space is trimmed: two engines with different
 * Unicode tables would otherwise give different bytes.
 */

const WHITE_SPACE = ' \t\n\v\f\r';

/** Without such a character the built-in conversion changes ASCII letters only. */
const NON_ASCII = /[\u0080-\uffff]/;
const UPPER_CASE = /[A-Z]+/g;
const LOWER_CASE = /[a-z]+/g;

export function lowerAscii(text: string): string {
  return NON_ASCII.test(text) ? text.replace(UPPER_CASE, (letters) => letters.toLowerCase()) : text.toLowerCase();
}

export function upperAscii(text: string): string {
  return text.replace(LOWER_CASE, (letters) => letters.toUpperCase());
}

/** Removes any of `characters` from both ends. */
export function trim(text: string, characters = WHITE_SPACE): string {
  let start = 0;
  let end = text.length;
  while (start < end && characters.includes(text.charAt(start))) start++;
  while (end > start && characters.includes(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}

/** @returns what stands before the first `separator`; nothing if there is none. */
export function before(text: string, separator: string): string | undefined {
  const index = text.indexOf(separator);
  return index < 0 ? undefined : text.slice(0, index);
}

/** @returns what follows the first `separator`; nothing if there is none. */
export function after(text: string, separator: string): string | undefined {
  const index = text.indexOf(separator);
  return index < 0 ? undefined : text.slice(index + separator.length);
}

/** @returns what stands between the first `opening` and the next `closing` or the end of the text. */
export function between(text: string, opening: string, closing: string): string | undefined {
  const rest = after(text, opening);
  return rest === undefined ? undefined : (before(rest, closing) ?? rest);
}

/** @returns the value of `key` in text like `MD5=0a…,SHA256=1b…`; keys are compared as they are written. */
export function pair(text: string, key: string, separator: string, assignment: string): string | undefined {
  const prefix = key + assignment;
  for (const part of text.split(separator)) {
    if (part.startsWith(prefix)) return part.slice(prefix.length);
  }
  return undefined;
}

/** @returns what follows the last of the separator characters; the whole text if there is none. */
export function basename(text: string, separators: string): string {
  return text.slice(lastIndexOfAny(text, separators) + 1);
}

/** @returns what stands before the last of the separator characters; nothing if there is none. */
export function dirname(text: string, separators: string): string | undefined {
  const index = lastIndexOfAny(text, separators);
  return index < 0 ? undefined : text.slice(0, index);
}

/** @returns what follows the last dot of the last path segment, if that dot is neither its first nor its last character. */
export function extension(text: string): string | undefined {
  const name = basename(text, '\\/');
  const dot = name.lastIndexOf('.');
  return dot > 0 && dot < name.length - 1 ? name.slice(dot + 1) : undefined;
}

/** Keeps the first `length` code points; a surrogate pair is never cut. */
export function truncate(text: string, length: number): string {
  if (text.length <= length) return text;
  let end = 0;
  for (let count = 0; count < length && end < text.length; count++) {
    end += (text.codePointAt(end) as number) > 0xffff ? 2 : 1;
  }
  return text.slice(0, end);
}

/** @returns the text in lower case if it is exactly `digits` hexadecimal digits. */
export function hexadecimal(text: string, digits: number): string | undefined {
  return text.length === digits && /^[0-9a-fA-F]*$/.test(text) ? text.toLowerCase() : undefined;
}

function lastIndexOfAny(text: string, characters: string): number {
  let last = -1;
  for (const character of characters) last = Math.max(last, text.lastIndexOf(character));
  return last;
}
