/** Entries of a stream as consumers meet them. */

export interface StreamEntry {
  /** The stream that it belongs to. */
  readonly stream: string;
  /** Where it was read and is acknowledged: the stream, or the replays of one of its groups. */
  readonly key: string;
  /** The entry's id in `key`. */
  readonly entryId: string;
  /** What the inbox remembers: the field `id`, or the entry's own id where the writer gave none. */
  readonly messageId: string;
  /** Empty where the writer gave none; such entries are handled one by one. */
  readonly tenant: string;
  readonly fields: ReadonlyMap<string, string>;
}

export type RawEntry = [id: string, fields: string[] | null];

export function parseEntry(stream: string, [entryId, flat]: RawEntry, key = stream): StreamEntry {
  const fields = new Map<string, string>();
  for (let at = 0; at + 1 < (flat?.length ?? 0); at += 2) fields.set(flat?.[at] ?? '', flat?.[at + 1] ?? '');
  return { stream, key, entryId, messageId: fields.get('id') ?? entryId, tenant: fields.get('tenant') ?? '', fields };
}

/** Milliseconds and a number; of both Redis takes 64 bits, which 18 digits never exceed. */
const ENTRY_ID = /^(\d{1,18})-(\d{1,18})$/;

/** Whether the text is an entry's id in a stream, in its long form. */
export function isEntryId(text: string): boolean {
  return ENTRY_ID.test(text);
}

/** Stream entry ids compare by their two numbers, not as text. */
export function compareEntryIds(a: string, b: string): number {
  const [aMs = '0', aSeq = '0'] = a.split('-');
  const [bMs = '0', bSeq = '0'] = b.split('-');
  const byMs = BigInt(aMs) - BigInt(bMs);
  const order = byMs === 0n ? BigInt(aSeq) - BigInt(bSeq) : byMs;
  return order === 0n ? 0 : order < 0n ? -1 : 1;
}

/** The smallest id that is greater. @throws RangeError for text that is no id. */
export function entryIdAfter(id: string): string {
  const [, ms, number] = ENTRY_ID.exec(id) ?? [];
  if (ms === undefined || number === undefined) throw new RangeError(`"${id}" is no id of a stream's entry`);
  return `${ms}-${BigInt(number) + 1n}`;
}
