/**
 * Copies a text. A slice of a line keeps the whole line in memory, up to a mebibyte for a key of a few letters, so
 * whatever outlives the line has to be a copy. The text must be well-formed.
 */
export function detach(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}
