/** What a group need not handle of what it reads: events of types that do not concern it, and what it has handled before. */
import type { StreamEntry } from './entry.js';

export interface EntryFilterOptions {
  /**
   * Types of events that the group handles. Others are acknowledged as they are read, without a transaction.
   * @default all
   */
  readonly types?: readonly string[];
  /**
   * The message ids of those that were handled before, see `findHandled`. A stream that was wiped comes again with a day's entries:
   * asked for a whole read at once, they cost one statement, not a transaction for each tenant's run. Not for a handler that does
   * something about repeats.
   */
  readonly findHandled?: (entries: readonly StreamEntry[]) => Promise<ReadonlySet<string>>;
}

export interface FilteredEntries {
  readonly toHandle: readonly StreamEntry[];
  readonly toAcknowledge: readonly StreamEntry[];
}

export class EntryFilter {
  readonly #types: ReadonlySet<string> | undefined;
  #expectsRepeats = true;

  constructor(private readonly options: EntryFilterOptions) {
    this.#types = options.types && new Set(options.types);
  }

  /**
   * To be called whenever Redis was away or had no group: its streams may come again. Ends with the first read that has none; what
   * comes again all the same, as where another consumer made the group anew, is only handled more slowly.
   */
  expectRepeats(): void {
    this.#expectsRepeats = true;
  }

  /** @throws what looking for repeats fails with */
  async split(entries: readonly StreamEntry[]): Promise<FilteredEntries> {
    const concerned = entries.filter((entry) => this.#concerns(entry));
    const handled = await this.#findHandled(concerned);
    if (handled.size === 0 && concerned.length === entries.length) return { toHandle: entries, toAcknowledge: [] };
    const toHandle = concerned.filter(({ messageId }) => !handled.has(messageId));
    const kept = new Set(toHandle);
    return { toHandle, toAcknowledge: entries.filter((entry) => !kept.has(entry)) };
  }

  /** An entry without a type is not passed over: whoever handles it says what is wrong with it. */
  #concerns({ fields }: StreamEntry): boolean {
    const type = fields.get('type');
    return type === undefined || this.#types === undefined || this.#types.has(type);
  }

  async #findHandled(entries: readonly StreamEntry[]): Promise<ReadonlySet<string>> {
    if (!this.#expectsRepeats || entries.length === 0 || this.options.findHandled === undefined) return new Set();
    const handled = await this.options.findHandled(entries);
    this.#expectsRepeats = handled.size > 0;
    return handled;
  }
}
