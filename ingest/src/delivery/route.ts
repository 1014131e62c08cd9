/** What tells one kind of batches from another on their way: to which streams, as which entries, and who acknowledges them. */
import { crc32 } from 'node:zlib';
import type { ReasonCode } from '@aurorasoc/normalize';
import type { Batch, BatchHeader } from '../batch/batch.js';

export interface Route {
  /** Names the route's parts in health. */
  readonly name: string;
  readonly acknowledgements: AcknowledgementsOf;
  /** Whether batches with this header go this way. */
  carries(header: BatchHeader): boolean;
  streamOf(batchId: string): string;
  /** Equal batches give equal entries, so a batch that is sent again is the same entry again. */
  prepare(batch: Batch): PreparedEntry;
}

/** Where the consumer of a route says what it is done with; the stream may have other entries. */
export interface AcknowledgementsOf {
  readonly stream: string;
  /** Type of the entries that say that a batch, their `subject`, is committed. */
  readonly stored: string;
  /** Type of those that say that nothing is kept of a batch, which their data names: its tenant was erased. */
  readonly discarded: string;
}

export interface PreparedEntry {
  /** How many lines became raw events, by reason. */
  readonly raw: ReadonlyMap<ReasonCode, number>;
  /** Names and values in turn, as XADD takes them. @param traceparent - of the span that sends the entry. */
  fields(traceparent: string | undefined): string[];
}

/** The same for each resend, spread evenly: every id has random bits. */
export function partitionOf(batchId: string, partitions: number): number {
  return crc32(batchId) % partitions;
}
