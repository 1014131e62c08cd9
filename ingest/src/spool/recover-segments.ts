/** What an earlier process left in the spool folder: every sound record, with torn ends cut off. */
import { readdir } from 'node:fs/promises';
import type { Logger } from '@aurorasoc/kit/log';
import { type ScanResult, scanSegment } from './scan-segment.js';
import { DAMAGED_SUFFIX, Segment, sequenceOf } from './segment.js';

export interface RecoveredSegment {
  readonly segment: Segment;
  readonly records: ScanResult['records'];
}

export interface Recovery {
  /** In the order in which they were written. */
  readonly segments: readonly RecoveredSegment[];
  readonly nextSequence: number;
  /** Damaged segments that were set aside before. */
  readonly setAside: number;
}

/** @throws the file system's error when a segment cannot be opened, read or cut; none is left open then. */
export async function recoverSegments(folder: string, log: Logger): Promise<Recovery> {
  const names = await readdir(folder);
  const ordered = names.filter((name) => sequenceOf(name) !== undefined).sort();
  const opened: Segment[] = [];
  const segments: RecoveredSegment[] = [];
  try {
    for (const name of ordered) {
      const segment = await Segment.reopen(folder, name);
      opened.push(segment);
      const scan = await scanSegment(segment);
      await settleEnd(segment, scan, name === ordered.at(-1), log);
      segments.push({ segment, records: scan.records });
    }
  } catch (error) {
    // What closing says besides would hide it.
    await Promise.allSettled(opened.map((segment) => segment.close()));
    throw error;
  }
  return {
    segments,
    nextSequence: (sequenceOf(ordered.at(-1) ?? '') ?? 0) + 1,
    setAside: names.filter((name) => name.endsWith(DAMAGED_SUFFIX)).length,
  };
}

/** Only the last segment may end in a record that was never whole: writing was cut short there, and nobody was told 2xx. */
async function settleEnd(segment: Segment, scan: ScanResult, isLast: boolean, log: Logger): Promise<void> {
  const tailBytes = segment.size - scan.end;
  if (scan.damagedBytes === 0 && tailBytes === 0) return;
  if (scan.damagedBytes === 0 && isLast) {
    log.warn({ path: segment.path, tailBytes }, 'Cut an unfinished record off the last segment');
    await segment.truncate(scan.end);
    return;
  }
  segment.isDamaged = true;
  log.error(
    { path: segment.path, damagedBytes: scan.damagedBytes + tailBytes, soundRecords: scan.records.length },
    'A segment is damaged; its sound records are sent, then it is set aside',
  );
}
