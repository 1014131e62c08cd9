/** What an event holds at a field, in the form that comparisons need. */
import type { FieldPath } from '../taxonomy/taxonomy.js';
import {
  type EventDocument,
  type EventValue,
  isDocument,
  MAX_FIELD_LENGTH,
  MAX_FIELD_VALUES,
  MAX_KEYWORD_LENGTH,
  MAX_KEYWORD_VALUES,
  readOwn,
} from './event-document.js';
import { joinValues, renderValue } from './render-value.js';

export interface FieldContent {
  /** The field is there, whatever it holds. */
  readonly exists: boolean;
  /** The field is missing, null, or a list of nothing else. Different from '' and from an object. */
  readonly isNull: boolean;
  /** Its text, numbers and booleans as text; several for a list. */
  readonly texts: readonly string[];
  /** UTF-16 units of all texts. */
  readonly length: number;
  /** A limit on text or list length cut something off. */
  readonly isTruncated: boolean;
}

const MISSING: FieldContent = { exists: false, isNull: true, texts: [], length: 0, isTruncated: false };

/** The content at the first of `paths` that is present. */
export function readField(
  event: EventDocument,
  paths: readonly FieldPath[],
  spacedNames = new SpacedNames(),
): FieldContent {
  for (const path of paths) {
    const value = resolveField(event, path, spacedNames);
    if (value !== undefined) return readContent(value);
  }
  return MISSING;
}

function resolveField(event: EventDocument, path: FieldPath, spacedNames: SpacedNames): EventValue | undefined {
  const value = resolvePath(event, path, spacedNames);
  const readExact = (segments: readonly string[]) => resolvePath(event, { segments }, spacedNames);
  const rendered = value === undefined ? undefined : renderValue(value, path, readExact);
  if (path.also === undefined) return rendered;
  return joinValues([rendered, ...path.also.map((other) => resolveField(event, other, spacedNames))]);
}

/** The text of a value at an exact path when it is a single text or number, else null. */
export function readScalarAt(event: EventDocument, segments: readonly string[]): string | null {
  const value = resolvePath(event, { segments }, new SpacedNames());
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
}

/**
 * Names with spaces of the document asked last. Sigma writes `ThreatName` for the Windows field `Threat Name`; most
 * fields that rules ask for are missing, so without this each of them would search all names again.
 */
export class SpacedNames {
  #document: EventDocument | null = null;
  #nameBySpaceless: ReadonlyMap<string, string> = new Map();

  /** The value of the property whose name equals `name` once its spaces are removed. */
  read(document: EventDocument, name: string): EventValue | undefined {
    if (document !== this.#document) {
      const spaced = Object.keys(document).filter((key) => key.includes(' '));
      this.#nameBySpaceless = new Map(spaced.map((key) => [key.replaceAll(' ', ''), key]));
      this.#document = document;
    }
    const key = this.#nameBySpaceless.get(name);
    return key === undefined ? undefined : document[key];
  }
}

function resolvePath(
  event: EventDocument,
  { segments, ignoresSpaces = false }: FieldPath,
  spacedNames: SpacedNames,
): EventValue | undefined {
  let current: EventValue | undefined = event;
  for (let index = 0; index < segments.length; index++) {
    if (Array.isArray(current)) {
      const rest: FieldPath = { segments: segments.slice(index), ignoresSpaces };
      return resolveInList(current, rest, spacedNames);
    }
    if (!isDocument(current)) return undefined;
    const name = segments[index] ?? '';
    const value = readOwn(current, name);
    const isLast = index === segments.length - 1;
    current = value === undefined && ignoresSpaces && isLast ? spacedNames.read(current, name) : value;
  }
  return current;
}

/** A path through a list of objects leads to the values of all of them. */
function resolveInList(list: readonly EventValue[], path: FieldPath, spacedNames: SpacedNames): EventValue | undefined {
  const found: EventValue[] = [];
  for (const item of list) {
    const value = isDocument(item) ? resolvePath(item, path, spacedNames) : undefined;
    if (value !== undefined) found.push(value);
    if (found.length > MAX_FIELD_VALUES) break;
  }
  return found.length === 0 ? undefined : found;
}

function readContent(value: EventValue): FieldContent {
  if (value === null) return { exists: true, isNull: true, texts: [], length: 0, isTruncated: false };
  if (typeof value !== 'object') return contentOf([value], false, false);
  if (isDocument(value)) return contentOf([], true, false);
  const leaves = collectLeaves(value, MAX_FIELD_VALUES, false);
  return contentOf(leaves.values, leaves.hasDocument, leaves.isTruncated);
}

function contentOf(
  values: readonly (string | number | boolean)[],
  hasDocument: boolean,
  isListTruncated: boolean,
): FieldContent {
  const texts: string[] = [];
  let length = 0;
  let isTruncated = isListTruncated;
  for (const value of values) {
    const text = String(value);
    const room = MAX_FIELD_LENGTH - length;
    isTruncated ||= text.length > room;
    // Only one that is too long by itself is compared in part: the part of a short one, such as an address, is another value.
    if (text.length <= room || length === 0) texts.push(text.slice(0, room));
    length += Math.min(room, text.length);
  }
  return { exists: true, isNull: texts.length === 0 && !hasDocument, texts, length, isTruncated };
}

/**
 * Every text, number and boolean of the event, at any depth, for keyword search. Of AuroraSOC's own notes about the
 * event (`aurora`) only the source's unmapped fields count: a rule must not match what an earlier rule wrote.
 */
export function readAllValues(event: EventDocument): FieldContent {
  const { aurora: _, event: about, ...others } = event;
  const { original, ...rest } = isDocument(about) ? about : { original: undefined, about };
  const unmapped = resolvePath(event, { segments: ['aurora', 'fields'] }, new SpacedNames());
  // The text as it came is all values once more, often escaped: the last that may be cut off.
  const roots = [rest, others, unmapped, original].filter((root) => root !== undefined);
  const { values, isTruncated } = collectLeaves(roots, MAX_KEYWORD_VALUES, true);
  return searchedContentOf(values, isTruncated);
}

/** A part of a text may hold a keyword as well as the whole. */
function searchedContentOf(values: readonly (string | number | boolean)[], isListTruncated: boolean): FieldContent {
  const texts: string[] = [];
  let length = 0;
  let isTruncated = isListTruncated;
  for (const value of values) {
    const text = String(value).slice(0, MAX_KEYWORD_LENGTH - length);
    isTruncated ||= text.length < String(value).length;
    texts.push(text);
    length += text.length;
  }
  return { exists: true, isNull: texts.length === 0, texts, length, isTruncated };
}

interface Leaves {
  readonly values: (string | number | boolean)[];
  readonly hasDocument: boolean;
  readonly isTruncated: boolean;
}

/** Walks with a stack of its own: a hostile event may be nested deeper than the call stack. */
function collectLeaves(roots: readonly EventValue[], limit: number, entersDocuments: boolean): Leaves {
  const values: (string | number | boolean)[] = [];
  const pending: EventValue[] = [...roots].reverse();
  let hasDocument = false;
  while (pending.length > 0) {
    const value = pending.pop() ?? null;
    if (value === null) continue;
    if (typeof value !== 'object') {
      if (values.length === limit) return { values, hasDocument, isTruncated: true };
      values.push(value);
    } else if (isDocument(value)) {
      hasDocument = true;
      if (entersDocuments) for (const key of Object.keys(value).reverse()) pending.push(value[key] ?? null);
    } else for (let index = value.length - 1; index >= 0; index--) pending.push(value[index] ?? null);
  }
  return { values, hasDocument, isTruncated: false };
}
