/** Spools and batches for specs. */

import { Health } from '@aurorasoc/kit/health';
import { newBatchId, newId } from '@aurorasoc/kit/ids';
import { type Batch, type BatchHeader, BlockBuilder, readLines } from '../batch/batch.js';
import { Spool, type SpoolOptions } from '../spool/spool.js';
import { silentLog } from './site.js';

const MIB = 1024 * 1024;
export const TENANT = newId();

export function makeBatch(lines: readonly (string | Buffer)[], header: Partial<BatchHeader> = {}): Batch {
  const builder = new BlockBuilder();
  for (const line of lines) builder.add(Buffer.from(line));
  const block = builder.finish()[0];
  if (block === undefined) throw new RangeError('a batch has at least one line');
  return {
    header: { id: newBatchId(), tenant: TENANT, received: '2026-01-02T03:04:05.678Z', lines: block.lines, ...header },
    body: block.body,
  };
}

export interface OpenedSpool {
  readonly spool: Spool;
  readonly health: Health;
  /** Headers found at start, in order. */
  readonly recovered: readonly BatchHeader[];
}

export async function openSpool(folder: string, overrides: Partial<SpoolOptions> = {}): Promise<OpenedSpool> {
  const health = new Health('ingest');
  const recovered: BatchHeader[] = [];
  const options = { folder, maxBytes: 256 * MIB, maxBatches: 100_000, log: silentLog, health, ...overrides };
  const spool = await Spool.open(options, (header) => recovered.push(header));
  return { spool, health, recovered };
}

/** The lines of a spooled batch as text. */
export async function linesOf(spool: Spool, batchId: string): Promise<string[]> {
  const batch = await spool.read(batchId);
  return batch === undefined ? [] : [...readLines(batch.body)].map(String);
}
