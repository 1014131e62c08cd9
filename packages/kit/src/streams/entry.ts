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
