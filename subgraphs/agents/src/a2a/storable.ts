/** What PostgreSQL can hold: neither its text nor its JSON takes NUL or half of a surrogate pair, and events may hold both. */

/** The value, of JSON, with U+FFFD in the place of each such character, in names of fields as well. Lengths stay as they are. */
export function toStorable(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('\0', '\uFFFD').toWellFormed();
  if (Array.isArray(value)) return value.map(toStorable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [toStorable(name), toStorable(inner)]));
}
