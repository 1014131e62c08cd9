/** The bridge between Sigma's vocabulary and the events at hand. Pure data and lookups. */
import type { EventDocument } from '../event/event-document.js';
import type { Logsource } from '../rule/rule.js';

/** Property names from the top of the event. A list on the way stands for all its elements. */
export interface FieldPath {
  readonly segments: readonly string[];
  /** The last name is also found when the event writes it with spaces. */
  readonly ignoresSpaces?: boolean;
  /** Stands in front of every text here, for example `MD5=`. */
  readonly prefix?: string;
  /** A text at this place stands in front of a single text here, a backslash between them: the domain of a user. */
  readonly qualifier?: readonly string[];
  /** What the values here are called under the field's name; others are no value. */
  readonly words?: Readonly<Record<string, string>>;
  /** `registry-data`: numbers of registry values as Sysmon writes them. */
  readonly rendering?: 'registry-data';
  /** Further places; the values of all that are present make a list. */
  readonly also?: readonly FieldPath[];
}

/** What an event is, in Sigma's words; lower case. */
export interface EventLogsource {
  readonly product: string | null;
  readonly categories: readonly string[];
  readonly services: readonly string[];
}

export interface Taxonomy {
  /**
   * Where a Sigma field of a rule with this log source stands, most specific first; the first path that is present in
   * an event counts. Never empty.
   */
  fieldPaths(field: string, logsource: Logsource): readonly FieldPath[];
  classifyEvent(event: EventDocument): EventLogsource;
}

/** True when the event has everything the rule's log source names. */
export function coversLogsource(event: EventLogsource, rule: Logsource): boolean {
  return (
    (rule.product === undefined || rule.product === event.product) &&
    (rule.category === undefined || event.categories.includes(rule.category)) &&
    (rule.service === undefined || event.services.includes(rule.service))
  );
}
