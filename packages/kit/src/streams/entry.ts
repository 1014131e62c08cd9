/** Entries of a stream as consumers meet them. */

export interface StreamEntry {
  readonly stream: string;
  /** The entry's id in Redis. */
  readonly entryId: string;
  /** What the inbox remembers: the field `id`, or the entry's own id where the writer gave none. */
  readonly messageId: string;
  /** Empty where the writer gave none; such entries are handled one by one. */
  readonly tenant: string;
  readonly fields: ReadonlyMap<string, string>;
}

export type RawEntry = [id: string, fields: string[] | null];

export function parseEntry(stream: string, [entryId, flat]: RawEntry): StreamEntry {
  const fields = new Map<string, string>();
  for (let at = 0; at + 1 < (flat?.length ?? 0); at += 2) fields.set(flat?.[at] ?? '', flat?.[at + 1] ?? '');
  return { stream, entryId, messageId: fields.get('id') ?? entryId, tenant: fields.get('tenant') ?? '', fields };
}
