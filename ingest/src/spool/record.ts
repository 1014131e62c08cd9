/**
 * One record of the spool: a batch as bytes.
 *
 * | offset | bytes | what |
 * |---|---|---|
 * | 0 | 8 | salt of the segment, random, also in the file's name |
 * | 8 | 4 | length n of what follows offset 16 |
 * | 12 | 4 | CRC-32 (zlib) over bytes 8–11 and the n bytes |
 * | 16 | 2 | length h of the header |
 * | 18 | h | header, JSON in UTF-8 |
 * | 18 + h | n − 2 − h | framed lines, see `batch.ts` |
 *
 * Integers are unsigned, big endian. The salt marks where a record begins, so that reading goes on behind a damaged one.
 * Log lines are hostile: without a salt that their sender cannot know, a line could hold a forged record of another tenant
 * that comes to life when the real record around it is damaged. The CRC covers the length because a run of zeros, which a
 * file system may leave after power loss, would else be a valid empty record.
 */
import { crc32 } from 'node:zlib';
import { isUuid } from '@aurorasoc/kit/ids';
import { z } from 'zod';
import type { Batch, BatchHeader } from '../batch/batch.js';

export const SALT_BYTES = 8;
const LENGTH_AT = 8;
const CRC_AT = 12;
const PREFIX_BYTES = 16;
const HEADER_LENGTH_BYTES = 2;
/** Far above what a batch can have; a greater length is damage and is not followed. */
const MAX_CONTENT_BYTES = 4 * 1024 * 1024;

const headerSchema = z
  .object({
    id: z.string().refine(isUuid),
    tenant: z.string(),
    device: z.string().optional(),
    received: z.string().min(1),
    lines: z.number().int().min(1),
    traceparent: z.string().optional(),
    request: z
      .object({
        key: z.string(),
        digest: z.string(),
        first: z.string().refine(isUuid).optional(),
        index: z.number().int().min(0),
        total: z.number().int().min(1),
      })
      .optional(),
  })
  .refine(({ tenant, device }) => (tenant === '') === (device !== undefined)) satisfies z.ZodType<BatchHeader>;

/** The record's bytes but its salt, which the segment adds. Pieces, so that the lines are not copied. */
export interface EncodedRecord {
  readonly head: Buffer;
  readonly body: Buffer;
  /** Of the whole record, salt included. */
  readonly byteLength: number;
}

export function encodeRecord(batch: Batch): EncodedRecord {
  const header = Buffer.from(JSON.stringify(batch.header));
  const head = Buffer.alloc(PREFIX_BYTES + HEADER_LENGTH_BYTES + header.byteLength);
  head.writeUInt32BE(HEADER_LENGTH_BYTES + header.byteLength + batch.body.byteLength, LENGTH_AT);
  head.writeUInt16BE(header.byteLength, PREFIX_BYTES);
  head.set(header, PREFIX_BYTES + HEADER_LENGTH_BYTES);
  head.writeUInt32BE(checksum(head.subarray(LENGTH_AT, CRC_AT), head.subarray(PREFIX_BYTES), batch.body), CRC_AT);
  return { head, body: batch.body, byteLength: head.byteLength + batch.body.byteLength };
}

/** Writes a record into `target` at `at`. @returns the offset behind it. */
export function placeRecord(record: EncodedRecord, salt: Buffer, target: Buffer, at: number): number {
  target.set(record.head, at);
  target.set(salt, at);
  target.set(record.body, at + record.head.byteLength);
  return at + record.byteLength;
}

export interface DecodedRecord {
  readonly batch: Batch;
  readonly byteLength: number;
}

/** The record that begins at `at`; undefined when there is none whole and sound. The body is a view into `bytes`. */
export function decodeRecord(bytes: Buffer, at: number, salt: Buffer): DecodedRecord | undefined {
  const start = at + PREFIX_BYTES;
  if (start > bytes.byteLength || bytes.compare(salt, 0, SALT_BYTES, at, at + SALT_BYTES) !== 0) return undefined;
  const length = bytes.readUInt32BE(at + LENGTH_AT);
  const end = start + length;
  if (length < HEADER_LENGTH_BYTES || length > MAX_CONTENT_BYTES || end > bytes.byteLength) return undefined;
  const content = bytes.subarray(start, end);
  if (checksum(bytes.subarray(at + LENGTH_AT, at + CRC_AT), content) !== bytes.readUInt32BE(at + CRC_AT))
    return undefined;
  const header = readHeader(content);
  if (header === undefined) return undefined;
  const body = content.subarray(HEADER_LENGTH_BYTES + content.readUInt16BE(0));
  return { batch: { header, body }, byteLength: PREFIX_BYTES + length };
}

function readHeader(content: Buffer): BatchHeader | undefined {
  const end = HEADER_LENGTH_BYTES + content.readUInt16BE(0);
  if (end > content.byteLength) return undefined;
  try {
    return headerSchema.parse(JSON.parse(content.toString('utf8', HEADER_LENGTH_BYTES, end)));
  } catch {
    // Sound bytes that are no header of this version: kept aside like damage, never guessed at.
    return undefined;
  }
}

function checksum(...pieces: readonly Buffer[]): number {
  return pieces.reduce((value, piece) => crc32(piece, value), 0);
}
