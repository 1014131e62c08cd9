/**
 * Gathers lines that come one by one, from all senders together, into batches and puts those into the spool.
 *
 * Lines are in memory until their batch is on disk: at most about {@link PENDING_BYTES} of them, since senders that can
 * wait are made to wait then. What the spool refuses is tried again; it is not given up while the process runs.
 */
import { describeError } from '@aurorasoc/kit/errors';
import type { Health } from '@aurorasoc/kit/health';
import { type Clock, newBatchId } from '@aurorasoc/kit/ids';
import { backoffMs, sleep } from '@aurorasoc/kit/lifecycle';
import type { Logger } from '@aurorasoc/kit/log';
import { type Batch, BlockBuilder, LENGTH_BYTES, MAX_BYTES_OF_BATCH } from '../batch/batch.js';
import type { IngestMetrics } from '../metrics.js';
import type { Spool } from '../spool/spool.js';

export interface LineCommitterOptions {
  readonly tenant: string;
  readonly spool: Spool;
  readonly clock: Clock;
  readonly metrics: IngestMetrics;
  readonly health: Health;
  readonly log: Logger;
  /** Hands durable batches on for publication. */
  readonly onDurable: (batches: readonly Batch[]) => void;
}

/** How long a first line waits for others. */
const GATHER_MS = 10;
const PENDING_BYTES = 8 * 1024 * 1024;
const COMPONENT = 'syslog';

export class LineCommitter {
  readonly #builder = new BlockBuilder();
  readonly #abort = new AbortController();
  readonly #waiting = new Set<() => void>();
  #gatheredLines = 0;
  #gatheredBytes = 0;
  #storingLines = 0;
  #storingBytes = 0;
  #refusals = 0;
  #running: Promise<void> | undefined;
  #endGathering: () => void = () => undefined;

  constructor(private readonly options: LineCommitterOptions) {
    options.health.set(COMPONENT, 'up');
  }

  /** True while the spool refuses, or more waits for the disk than is held in memory. */
  get isFull(): boolean {
    return this.#refusals > 0 || this.#gatheredBytes + this.#storingBytes >= PENDING_BYTES;
  }

  /** Takes a line whose bytes may be reused afterwards. */
  add(line: Buffer): void {
    this.#builder.add(line);
    this.#gatheredLines++;
    this.#gatheredBytes += LENGTH_BYTES + line.byteLength;
    if (this.#gatheredBytes >= MAX_BYTES_OF_BATCH) this.#endGathering();
    this.#running ??= this.#run();
  }

  /**
   * Resolves when the committer was found to have room again. All who wait are woken at once, so there may be none left.
   * @returns false when it is stopped: there will be none.
   */
  async whenRoom(): Promise<boolean> {
    while (this.isFull && !this.#abort.signal.aborted) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
    return !this.#abort.signal.aborted;
  }

  /** Lines that were taken and are not in the spool. */
  get unstoredLines(): number {
    return this.#gatheredLines + this.#storingLines;
  }

  /** Puts what was gathered into the spool, for at most `flushMs`; what is added later never gets there. */
  async stop(flushMs: number): Promise<void> {
    this.#endGathering();
    const deadline = new AbortController();
    await Promise.race([this.#running, sleep(flushMs, deadline.signal)]);
    deadline.abort();
    this.#abort.abort();
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#gatheredLines > 0 && !this.#abort.signal.aborted) {
      if (this.#gatheredBytes < MAX_BYTES_OF_BATCH) await this.#gather();
      await this.#storeGathered();
      this.#wake();
    }
    this.#running = undefined;
  }

  async #gather(): Promise<void> {
    const isEnough = new AbortController();
    this.#endGathering = () => isEnough.abort();
    await sleep(GATHER_MS, isEnough.signal);
    this.#endGathering = () => undefined;
  }

  async #storeGathered(): Promise<void> {
    const received = this.options.clock().toISOString();
    const batches = this.#builder.finish().map(
      ({ lines, body }): Batch => ({
        header: { id: newBatchId(), tenant: this.options.tenant, received, lines },
        body,
      }),
    );
    this.#storingLines = this.#gatheredLines;
    this.#storingBytes = this.#gatheredBytes;
    this.#gatheredLines = 0;
    this.#gatheredBytes = 0;
    // One by one, so that they fit into a spool that has not room for all; they still share a write and a sync.
    await Promise.all(batches.map((batch) => this.#store(batch)));
  }

  async #store(batch: Batch): Promise<void> {
    const { spool, metrics, onDurable } = this.options;
    for (let failures = 0; !this.#abort.signal.aborted; failures++) {
      try {
        await spool.append([batch], (events) => metrics.accepted.inc(events));
        if (failures > 0) this.#noteRefusals(-1);
        this.#storingLines -= batch.header.lines;
        this.#storingBytes -= batch.body.byteLength;
        onDurable([batch]);
        return;
      } catch (error) {
        if (failures === 0) this.#noteRefusals(1, describeError(error));
        await sleep(backoffMs(failures, 100, 1_000), this.#abort.signal);
      }
    }
  }

  /** @param change - batches that are refused now, or not any more. */
  #noteRefusals(change: 1 | -1, reason = ''): void {
    const { health, log } = this.options;
    const before = this.#refusals;
    this.#refusals += change;
    if (before === 0) {
      health.set(COMPONENT, 'degraded', 'the spool refuses: TCP senders wait, UDP messages are dropped');
      log.warn({ error: reason }, 'The spool refuses syslog lines; TCP senders wait, UDP messages are dropped');
    } else if (this.#refusals === 0) {
      health.set(COMPONENT, 'up');
      log.info('The spool takes syslog lines again');
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
