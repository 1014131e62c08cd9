import { detach } from '../json/detach.js';
import type { JsonText, JsonValue } from '../json/json-value.js';

/** Values kept per function; hosts, users, programs and event ids of one source mostly fit. */
const MAX_ENTRIES = 1024;

/** Longer values, such as command lines, seldom repeat. */
const MAX_LENGTH = 128;

/**
 * Remembers the results of a pure function for short scalars. Event ids, hosts, users and programs repeat in nearly
 * every line, and finding a value again costs less than decoding, converting and quoting it.
 *
 * @param compute - its results must not be slices of the value, as those would keep whole lines in memory.
 */
export function memoize<Result>(compute: (value: JsonValue) => Result): (value: JsonValue) => Result {
  const results = new Map<JsonText, Result>();
  return (value) => {
    if (typeof value !== 'string' || value.length > MAX_LENGTH) return compute(value);
    const known = results.get(value);
    if (known !== undefined) return known;
    const result = compute(value);
    if (results.size >= MAX_ENTRIES) results.clear();
    if (result !== undefined) results.set(detach(value), result);
    return result;
  };
}
