/** Values in the words of the field that a rule names, where the event has them in other words. */
import type { FieldPath } from '../taxonomy/taxonomy.js';
import { type EventValue, isDocument } from './event-document.js';

type Rendering = Pick<FieldPath, 'prefix' | 'qualifier' | 'words' | 'rendering'>;

/** Reads an exact path of the event. */
export type ReadExact = (segments: readonly string[]) => EventValue | undefined;

/** @returns nothing if the value cannot be said in the field's words. */
export function renderValue(value: EventValue, path: Rendering, read: ReadExact): EventValue | undefined {
  const { prefix, qualifier, words, rendering } = path;
  if (words !== undefined) return typeof value === 'string' && Object.hasOwn(words, value) ? words[value] : undefined;
  if (prefix !== undefined) return mapTexts(value, (text) => prefix + text);
  if (qualifier !== undefined) return qualify(value, read(qualifier));
  if (rendering === 'registry-data') {
    const type = read(['registry', 'data', 'type']);
    return typeof type === 'string' ? mapTexts(value, (text) => renderRegistryData(text, type)) : value;
  }
  return value;
}

/** Objects and null have no text. */
function mapTexts(value: EventValue, change: (text: string) => string): EventValue {
  if (Array.isArray(value)) return value.map((item: EventValue) => mapTexts(item, change));
  return value === null || isDocument(value) ? value : change(String(value));
}

/** The domain belongs to a single name only. */
function qualify(value: EventValue, qualifier: EventValue | undefined): EventValue {
  const isText = (candidate: EventValue | undefined): candidate is string =>
    typeof candidate === 'string' && candidate !== '';
  return isText(value) && isText(qualifier) ? `${qualifier}\\${value}` : value;
}

const DECIMAL = /^[0-9]{1,10}$/;

/** Sysmon writes numbers as `DWORD (0x00000001)` and `QWORD (0x00000000-0x00000001)`. */
function renderRegistryData(text: string, type: string): string {
  if (!DECIMAL.test(text) || Number(text) > 0xffffffff) return text;
  const digits = Number(text).toString(16).padStart(8, '0');
  if (type.endsWith('DWORD')) return `DWORD (0x${digits})`;
  return type.endsWith('QWORD') ? `QWORD (0x00000000-0x${digits})` : text;
}

/** Values of several places as one list; nothing if there are none. */
export function joinValues(values: readonly (EventValue | undefined)[]): EventValue | undefined {
  const present = values.filter((value) => value !== undefined);
  return present.length < 2 ? present[0] : present;
}
