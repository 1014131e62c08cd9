/** Reads a segment of an earlier process from front to back and tells sound records from damage. */
import type { BatchHeader } from '../batch/batch.js';
import { decodeRecord, SALT_BYTES } from './record.js';
import type { RecordPlace, Segment } from './segment.js';

export interface ScanResult {
  readonly records: readonly { readonly header: BatchHeader; readonly place: RecordPlace }[];
  /** Where the last sound record ends: what lies behind it is a record that was never whole. */
  readonly end: number;
  /** Bytes that are no record although a sound one follows: not a torn write but damage. */
  readonly damagedBytes: number;
}

/** @throws the file system's error when the file cannot be read. */
export async function scanSegment(segment: Segment): Promise<ScanResult> {
  // A segment is read as a whole: 64 MiB at start, one at a time, freed before the first request.
  const bytes = await segment.read({ offset: 0, length: segment.size });
  const records: { header: BatchHeader; place: RecordPlace }[] = [];
  let end = 0;
  let damagedBytes = 0;
  for (let at = 0; at >= 0 && at + SALT_BYTES <= bytes.byteLength; ) {
    const record = decodeRecord(bytes, at, segment.salt);
    if (record === undefined) {
      at = bytes.indexOf(segment.salt, at + 1);
      continue;
    }
    damagedBytes += at - end;
    records.push({ header: record.batch.header, place: { offset: at, length: record.byteLength } });
    at += record.byteLength;
    end = at;
  }
  return { records, end, damagedBytes };
}
