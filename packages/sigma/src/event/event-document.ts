/** A normalised event: nested JSON as `JSON.parse` gives it. Only own properties are ever read. */
export type EventValue = string | number | boolean | null | readonly EventValue[] | EventDocument;

export interface EventDocument {
  readonly [name: string]: EventValue | undefined;
}

/** UTF-16 units of all values of one field that are compared; no rule sees the rest. */
export const MAX_FIELD_LENGTH = 64 * 1024;
/** UTF-16 units of all values of an event that keywords are searched in: a long text is often there in several fields. */
export const MAX_KEYWORD_LENGTH = 256 * 1024;
/** Values of one list field that are compared. */
export const MAX_FIELD_VALUES = 1024;
/** Values of one event that keywords are searched in. */
export const MAX_KEYWORD_VALUES = 4096;

export function isDocument(value: EventValue | undefined): value is EventDocument {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The own property, or undefined: an event may well have a field called `constructor`. */
export function readOwn(document: EventDocument, name: string): EventValue | undefined {
  return Object.hasOwn(document, name) ? document[name] : undefined;
}
