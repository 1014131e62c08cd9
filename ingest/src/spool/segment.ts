/** One file of the spool: written from front to back by the process that made it, read by offset, deleted as a whole. */
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type EncodedRecord, placeRecord, SALT_BYTES } from './record.js';

const NAME = /^(\d{12})-([0-9a-f]{16})\.segment$/;
export const DAMAGED_SUFFIX = '.damaged';

/** Where a record lies. */
export interface RecordPlace {
  readonly offset: number;
  readonly length: number;
}

export class Segment {
  /** Unacknowledged batches in this file. */
  live = 0;
  /** Some record of it could not be read: it is kept aside instead of deleted. */
  isDamaged = false;
  #size: number;

  private constructor(
    readonly folder: string,
    readonly name: string,
    readonly salt: Buffer,
    private readonly handle: FileHandle,
    size: number,
  ) {
    this.#size = size;
  }

  /** Makes an empty segment whose name is on disk when this resolves. */
  static async create(folder: string, sequence: number): Promise<Segment> {
    const salt = randomBytes(SALT_BYTES);
    const name = `${String(sequence).padStart(12, '0')}-${salt.toString('hex')}.segment`;
    const handle = await open(join(folder, name), 'wx+', 0o600);
    try {
      await syncFolder(folder);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return new Segment(folder, name, salt, handle, 0);
  }

  /** Opens a segment of an earlier process. @throws the file system's error; it is not left open then. */
  static async reopen(folder: string, name: string): Promise<Segment> {
    const salt = Buffer.from(NAME.exec(name)?.[2] ?? '', 'hex');
    const handle = await open(join(folder, name), 'r+');
    try {
      return new Segment(folder, name, salt, handle, (await handle.stat()).size);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Bytes of all whole records. */
  get size(): number {
    return this.#size;
  }

  get path(): string {
    return join(this.folder, this.name);
  }

  /**
   * Appends records and forces them to disk, all together.
   * @returns their places, in order.
   * @throws the file system's error; the file may then hold parts behind `size` and must not be appended to again, because
   * after a failed sync nobody knows which pages reached the disk.
   */
  async append(records: readonly EncodedRecord[]): Promise<RecordPlace[]> {
    const bytes = Buffer.allocUnsafe(records.reduce((sum, record) => sum + record.byteLength, 0));
    const places: RecordPlace[] = [];
    let at = 0;
    for (const record of records) {
      places.push({ offset: this.#size + at, length: record.byteLength });
      at = placeRecord(record, this.salt, bytes, at);
    }
    for (let written = 0; written < bytes.byteLength; ) {
      const result = await this.handle.write(bytes, written, bytes.byteLength - written, this.#size + written);
      written += result.bytesWritten;
    }
    await this.handle.datasync();
    this.#size += bytes.byteLength;
    return places;
  }

  /** The bytes of a place; fewer when the file ends before. */
  async read(place: RecordPlace): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(place.length);
    let read = 0;
    while (read < place.length) {
      const { bytesRead } = await this.handle.read(bytes, read, place.length - read, place.offset + read);
      if (bytesRead === 0) break;
      read += bytesRead;
    }
    return bytes.subarray(0, read);
  }

  /** Cuts off everything behind `size`, durably. */
  async truncate(size: number): Promise<void> {
    await this.handle.truncate(size);
    await this.handle.datasync();
    this.#size = size;
  }

  /** Deletes the file; a damaged one is renamed, for a person to look at. */
  async retire(): Promise<void> {
    await this.handle.close();
    if (this.isDamaged) await rename(this.path, this.path + DAMAGED_SUFFIX);
    else await unlink(this.path);
    await syncFolder(this.folder);
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

/** The sequence number of a segment's file name; undefined for other files. */
export function sequenceOf(name: string): number | undefined {
  const sequence = NAME.exec(name)?.[1];
  return sequence === undefined ? undefined : Number(sequence);
}

/** Makes names that were added to or removed from a folder survive power loss. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
