/**
 * The spool: batches on disk from acceptance until storage has committed them.
 *
 * A batch is durable when `append` resolves. A segment is deleted when storage has acknowledged all of its batches; which
 * ones it has acknowledged is not written down, so after a restart the batches of a half finished segment are sent again.
 */
import { mkdir } from 'node:fs/promises';
import { describeError } from '@aurorasoc/kit/errors';
import type { Health } from '@aurorasoc/kit/health';
import type { Logger } from '@aurorasoc/kit/log';
import type { Batch, BatchHeader } from '../batch/batch.js';
import type { SpoolFigures } from '../metrics.js';
import { GroupCommit } from './group-commit.js';
import { type FolderLock, lockFolder } from './lock-folder.js';
import { decodeRecord, type EncodedRecord, encodeRecord } from './record.js';
import { type Recovery, recoverSegments } from './recover-segments.js';
import { type RecordPlace, Segment } from './segment.js';
import { appendFailed, RecordDamagedError, spoolFull } from './spool-errors.js';

export interface SpoolOptions {
  /** Made when it is missing. */
  readonly folder: string;
  /** Bytes on disk at which `append` refuses. */
  readonly maxBytes: number;
  /** Unacknowledged batches at which `append` refuses. */
  readonly maxBatches: number;
  readonly log: Logger;
  readonly health: Health;
}

const MIB = 1024 * 1024;
const SEGMENT_BYTES = 64 * MIB;
const MAX_GROUP_BYTES = 8 * MIB;
/** An acknowledged segment that is still written to is given up at this size, so that a quiet site's spool stays small. */
const RECYCLE_BYTES = MIB;
/** A small spool has small segments: one segment can only be freed as a whole. */
const SEGMENTS_AT_LEAST = 8;
const ALARM_AT = 0.85;

interface IndexEntry {
  readonly segment: Segment;
  readonly place: RecordPlace;
  readonly tenant: string;
  readonly lines: number;
  readonly receivedMs: number;
  /** Part of {@link Spool.events}: from the moment at which all batches of its `append` are durable. */
  isCounted: boolean;
}

interface PendingRecord extends EncodedRecord {
  readonly header: BatchHeader;
}

export class Spool implements SpoolFigures {
  readonly #index = new Map<string, IndexEntry>();
  readonly #commits: GroupCommit<PendingRecord>;
  readonly #retiring = new Set<Promise<void>>();
  readonly #segments = new Set<Segment>();
  readonly #segmentBytes: number;
  #active: Segment | undefined;
  #nextSequence: number;
  #bytes = 0;
  #events = 0;
  #waitingBatches = 0;
  #syncs = 0;
  #damagedSegments: number;
  #isFull = false;
  #fault: string | undefined;
  #isClosed = false;

  private constructor(
    private readonly options: SpoolOptions,
    private readonly lock: FolderLock,
    recovery: Recovery,
  ) {
    this.#segmentBytes = Math.min(SEGMENT_BYTES, Math.floor(options.maxBytes / SEGMENTS_AT_LEAST));
    this.#commits = new GroupCommit(Math.min(MAX_GROUP_BYTES, this.#segmentBytes), (group) => this.#commit(group));
    this.#nextSequence = recovery.nextSequence;
    this.#damagedSegments = recovery.setAside;
  }

  /**
   * Takes over the folder and indexes what is in it.
   *
   * @param onRecovered - gets the header of each batch found and its bytes on disk, in the order of their acceptance.
   * @throws AuroraError `CONFLICT` when another process uses the folder; the file system's error when it is unusable.
   */
  static async open(options: SpoolOptions, onRecovered: (header: BatchHeader, bytes: number) => void): Promise<Spool> {
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    const lock = lockFolder(options.folder);
    try {
      const recovery = await recoverSegments(options.folder, options.log);
      const spool = new Spool(options, lock, recovery);
      for (const { segment, records } of recovery.segments) spool.#adopt(segment, records, onRecovered);
      spool.#reportHealth();
      return spool;
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  get bytes(): number {
    return this.#bytes;
  }

  get batches(): number {
    return this.#index.size;
  }

  get events(): number {
    return this.#events;
  }

  /** True from a refusal for want of room until there is some again. */
  get isFull(): boolean {
    return this.#isFull;
  }

  get damagedSegments(): number {
    return this.#damagedSegments;
  }

  get syncs(): number {
    return this.#syncs;
  }

  get oldestReceivedMs(): number | undefined {
    return this.#index.values().next().value?.receivedMs;
  }

  /** True for a batch that is durable and not acknowledged. */
  has(batchId: string): boolean {
    return this.#index.has(batchId);
  }

  /** When a batch was accepted that is durable and not acknowledged, milliseconds of the Unix epoch. */
  receivedMsOf(batchId: string): number | undefined {
    return this.#index.get(batchId)?.receivedMs;
  }

  /** Whose a batch is that is durable and not acknowledged; empty for a message of a device. */
  tenantOf(batchId: string): string | undefined {
    return this.#index.get(batchId)?.tenant;
  }

  /**
   * Makes batches durable; resolves when all of them are on disk.
   *
   * @param onDurable - called when the batches count as unacknowledged, with the events that they have: whoever counts
   * accepted events there has both figures change at once.
   * @throws AuroraError `STORAGE_FULL` at the spool's own limit or when the disk is full, `SERVICE_UNAVAILABLE` when the disk
   * fails. The batches then do not exist, except that one which reached the disk before a crash is sent after it.
   */
  async append(batches: readonly Batch[], onDurable: (events: number) => void = () => undefined): Promise<void> {
    const records = batches.map((batch) => ({ ...encodeRecord(batch), header: batch.header }));
    this.#checkRoom(records);
    this.#waitingBatches += records.length;
    const results = await Promise.allSettled(records.map((record) => this.#commits.add(record)));
    this.#waitingBatches -= records.length;
    const failure = results.find((result) => result.status === 'rejected');
    if (failure === undefined) {
      onDurable(records.reduce((sum, { header }) => sum + this.#count(header.id), 0));
      return;
    }
    for (const { header } of records) this.acknowledge(header.id);
    throw appendFailed(failure.reason);
  }

  /** @throws RecordDamagedError when its bytes changed on disk; the file system's error when they cannot be read. */
  async read(batchId: string): Promise<Batch | undefined> {
    const entry = this.#index.get(batchId);
    if (entry === undefined) return undefined;
    const record = decodeRecord(await entry.segment.read(entry.place), 0, entry.segment.salt);
    if (record !== undefined) return record.batch;
    this.#markDamaged(entry.segment);
    throw new RecordDamagedError(batchId, entry.segment.path);
  }

  /** Forgets a batch that storage has committed. @returns how many events it had; undefined for a batch that is not here. */
  acknowledge(batchId: string): number | undefined {
    const entry = this.#index.get(batchId);
    if (entry === undefined) return undefined;
    this.#index.delete(batchId);
    if (entry.isCounted) this.#events -= entry.lines;
    entry.segment.live--;
    if (entry.segment.live === 0) this.#release(entry.segment);
    // A segment that is kept for more would else leave it unsaid that there is room.
    if (this.#isFull) this.#reportHealth();
    return entry.lines;
  }

  /** Waits for running appends, deletes what is acknowledged, and gives the folder free. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#commits.drain();
    if (this.#active?.live === 0) this.#retire(this.#active);
    await Promise.all(this.#retiring);
    for (const segment of this.#segments) await segment.close();
    this.lock.release();
  }

  #adopt(
    segment: Segment,
    records: Recovery['segments'][number]['records'],
    onRecovered: (header: BatchHeader, bytes: number) => void,
  ): void {
    this.#segments.add(segment);
    this.#bytes += segment.size;
    if (segment.isDamaged) this.#damagedSegments++;
    for (const { header, place } of records) {
      // A request that was refused half way and then tried again: the same events lie there twice.
      if (this.#index.has(header.id)) continue;
      this.#enter(segment, header, place);
      this.#count(header.id);
      onRecovered(header, place.length);
    }
    if (segment.live === 0) this.#retire(segment);
  }

  #enter(segment: Segment, header: BatchHeader, place: RecordPlace): void {
    const receivedMs = Date.parse(header.received);
    this.#index.set(header.id, {
      segment,
      place,
      tenant: header.tenant,
      lines: header.lines,
      receivedMs,
      isCounted: false,
    });
    segment.live++;
  }

  /** @returns the events of the batch. */
  #count(batchId: string): number {
    const entry = this.#index.get(batchId);
    if (entry === undefined || entry.isCounted) return 0;
    entry.isCounted = true;
    this.#events += entry.lines;
    return entry.lines;
  }

  #checkRoom(records: readonly PendingRecord[]): void {
    if (this.#isClosed) throw appendFailed(new Error('the spool is closed'));
    const bytes = records.reduce((sum, record) => sum + record.byteLength, 0);
    const hasRoom = this.#bytes + this.#commits.queuedBytes + bytes <= this.options.maxBytes;
    if (hasRoom && this.batches + this.#waitingBatches + records.length <= this.options.maxBatches) return;
    this.#isFull = true;
    this.#reportHealth();
    throw spoolFull();
  }

  async #commit(group: readonly PendingRecord[]): Promise<void> {
    try {
      const segment = await this.#writableSegment();
      const places = await segment.append(group);
      this.#syncs++;
      for (const [index, { header, byteLength }] of group.entries()) {
        this.#enter(segment, header, places[index] as RecordPlace);
        this.#bytes += byteLength;
      }
      this.#fault = undefined;
    } catch (error) {
      this.#fault = describeError(error);
      this.options.log.error({ error: this.#fault, batches: group.length }, 'The spool could not be written');
      await this.#abandonActive();
      throw error;
    } finally {
      this.#reportHealth();
    }
  }

  async #writableSegment(): Promise<Segment> {
    const active = this.#active;
    if (active && active.size < this.#segmentBytes) return active;
    this.#active = undefined;
    if (active?.live === 0) this.#retire(active);
    this.#active = await Segment.create(this.options.folder, this.#nextSequence++);
    this.#segments.add(this.#active);
    return this.#active;
  }

  /** After a failed write: nothing is appended to that file again, and what is behind its last sound record goes. */
  async #abandonActive(): Promise<void> {
    const segment = this.#active;
    if (segment === undefined) return;
    this.#active = undefined;
    await segment.truncate(segment.size).catch((error: unknown) => {
      this.options.log.warn({ path: segment.path, error: describeError(error) }, 'An unfinished record stays on disk');
    });
    if (segment.live === 0) this.#retire(segment);
  }

  /** Called for a segment without unacknowledged batches. */
  #release(segment: Segment): void {
    if (segment === this.#active) {
      // A running commit is about to put new batches into it.
      const isNeeded = this.#waitingBatches > 0 || segment.size < Math.min(RECYCLE_BYTES, this.#segmentBytes / 4);
      if (isNeeded) return;
      this.#active = undefined;
    }
    this.#retire(segment);
  }

  #retire(segment: Segment): void {
    this.#segments.delete(segment);
    const retiring = segment
      .retire()
      .then(() => {
        this.#bytes -= segment.size;
      })
      .catch((error: unknown) => {
        this.options.log.error({ path: segment.path, error: describeError(error) }, 'A segment could not be removed');
      })
      .finally(() => {
        this.#retiring.delete(retiring);
        this.#reportHealth();
      });
    this.#retiring.add(retiring);
  }

  #markDamaged(segment: Segment): void {
    if (segment.isDamaged) return;
    segment.isDamaged = true;
    this.#damagedSegments++;
    this.#reportHealth();
  }

  #reportHealth(): void {
    const { health, maxBytes, maxBatches } = this.options;
    const fill = Math.max(this.#bytes / maxBytes, this.batches / maxBatches);
    if (fill < ALARM_AT) this.#isFull = false;
    // A failing disk is only found to be well again by another request, so it must not keep requests away.
    if (this.#isFull) health.set('spool', 'down', 'the spool is full; requests are refused');
    else if (this.#fault !== undefined) health.set('spool', 'degraded', `the spool cannot be written: ${this.#fault}`);
    else if (fill >= ALARM_AT) health.set('spool', 'degraded', `the spool is filled above ${ALARM_AT * 100} %`);
    else if (this.#damagedSegments > 0) health.set('spool', 'degraded', 'damaged segments are kept aside');
    else health.set('spool', 'up');
  }
}
