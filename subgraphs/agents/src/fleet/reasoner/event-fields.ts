/** Reading fields of events, and citing what was read. */
import type { Citation } from '../../a2a/contract.js';
import { formatPointer, resolvePointer } from '../../verdict/json-pointer.js';
import type { StoredEvent } from '../tools/graph-tools.js';

/** The value of a dotted ECS field as text; undefined where it is absent or no scalar. */
export function textOf(event: StoredEvent, field: string): string | undefined {
  const value = valueAt(event, field);
  return typeof value === 'string'
    ? value
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : undefined;
}

export function timeOf(event: StoredEvent): number {
  return Date.parse(event.timestamp);
}

/** Citations of those of the fields that the event has. */
export function cite(event: StoredEvent, ...fields: string[]): Citation[] {
  return fields.flatMap((field) => {
    const value = valueAt(event, field);
    return value === undefined
      ? []
      : [{ eventId: event.id, pointer: formatPointer(field.split('.')), value: value as Citation['value'] }];
  });
}

/** Last part of a Windows or POSIX path, lower case. */
export function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('\\'), path.lastIndexOf('/')) + 1).toLowerCase();
}

const MAX_SHOWN = 120;

/**
 * Text out of an event for sentences that people read: control, bidirectional and zero-width characters are shown as their
 * code points, so that nothing hides or turns around what stands beside it; long text is cut.
 */
export function showText(text: string): string {
  const cut = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
  return cut.replace(
    /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}

function valueAt(event: StoredEvent, field: string): unknown {
  return resolvePointer(event.document, formatPointer(field.split('.')));
}
