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
 * code points, so that nothing hides or turns around what stands beside it. Cut by what is shown, at most 121 characters:
 * sentences have a limit, which a name full of hidden characters must not exceed.
 */
export function showText(text: string): string {
  let shown = '';
  for (const character of text) {
    const next = HIDDEN.test(character) ? `\\u{${character.codePointAt(0)?.toString(16)}}` : character;
    if (shown.length + next.length > MAX_SHOWN) return `${shown}…`;
    shown += next;
  }
  return shown;
}

const HIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}]/u;

function valueAt(event: StoredEvent, field: string): unknown {
  return resolvePointer(event.document, formatPointer(field.split('.')));
}
