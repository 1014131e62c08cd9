/** Texts of the search language: values come out of logs, so each is quoted, whatever it contains. */

export interface SearchTerm {
  /** Dotted ECS name; from our own code, never from an event. */
  readonly field: string;
  readonly value: string | number;
}

/** The gateway's limit for a whole query is 4,096 characters. */
export const MAX_VALUE_LENGTH = 3_000;

/** Terms that must all hold. @throws RangeError for a value that no query can carry. */
export function formatQuery(terms: readonly SearchTerm[]): string {
  return terms.map(formatTerm).join(' AND ');
}

function formatTerm({ field, value }: SearchTerm): string {
  if (!/^[\w@.-]+$/.test(field)) throw new RangeError(`${JSON.stringify(field)} is not the name of a field`);
  const text = String(value);
  if (text.length > MAX_VALUE_LENGTH)
    throw new RangeError(`a value of ${text.length} characters does not fit into a query`);
  return `${field}:"${text.replace(/["\\]/g, '\\$&')}"`;
}
