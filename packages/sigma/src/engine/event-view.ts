/** One event as the engine sees it: fields by number, each read and case-folded at most once. */
import type { EventDocument } from '../event/event-document.js';
import { type FieldContent, readAllValues, readField, SpacedNames } from '../event/read-field.js';
import type { BoundedRegex } from '../pattern/bounded-regex.js';
import { foldCase } from '../pattern/fold-case.js';
import type { Logsource } from '../rule/rule.js';
import type { FieldPath, Taxonomy } from '../taxonomy/taxonomy.js';

/** Numbers the fields of all rules; rules that read the same paths share a number. */
export class FieldTable {
  readonly #slotByKey = new Map<string, number>();
  readonly #paths: (readonly FieldPath[] | null)[] = [];

  constructor(private readonly taxonomy: Taxonomy) {}

  /** `field: null` stands for all values of the event. */
  slotOf(field: string | null, logsource: Logsource): number {
    const paths = field === null ? null : this.taxonomy.fieldPaths(field, logsource);
    const key = JSON.stringify(paths);
    const known = this.#slotByKey.get(key);
    if (known !== undefined) return known;
    this.#slotByKey.set(key, this.#paths.length);
    return this.#paths.push(paths) - 1;
  }

  get paths(): readonly (readonly FieldPath[] | null)[] {
    return this.#paths;
  }
}

interface Slot {
  readonly content: FieldContent;
  folded: readonly string[] | null;
}

export class EventView {
  readonly #slots: (Slot | undefined)[] = [];
  readonly #spacedNames = new SpacedNames();
  readonly #searches = new Map<BoundedRegex, boolean>();
  #isTruncated = false;

  constructor(
    private readonly event: EventDocument,
    private readonly paths: FieldTable['paths'],
  ) {}

  /** A field read so far was longer than what is compared of it, or a regular expression searched. */
  get isTruncated(): boolean {
    return this.#isTruncated;
  }

  content(slot: number): FieldContent {
    return this.#slot(slot).content;
  }

  texts(slot: number): readonly string[] {
    return this.#slot(slot).content.texts;
  }

  foldedTexts(slot: number): readonly string[] {
    const entry = this.#slot(slot);
    entry.folded ??= entry.content.texts.map(foldCase);
    return entry.folded;
  }

  /** Whether the expression of a comparison with the field is found in it; searched once, however often a condition asks. */
  search(slot: number, regex: BoundedRegex): boolean {
    const known = this.#searches.get(regex);
    if (known !== undefined) return known;
    const { texts, length } = this.content(slot);
    if (length > regex.reach) this.#isTruncated = true;
    const found = regex.findsIn(texts);
    this.#searches.set(regex, found);
    return found;
  }

  #slot(slot: number): Slot {
    const known = this.#slots[slot];
    if (known !== undefined) return known;
    const paths = this.paths[slot];
    const content = paths ? readField(this.event, paths, this.#spacedNames) : readAllValues(this.event);
    if (content.isTruncated) this.#isTruncated = true;
    const entry: Slot = { content, folded: null };
    this.#slots[slot] = entry;
    return entry;
  }
}
