import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Batch } from '../batch/batch.js';
import { until } from '../testing/site.js';
import { linesOf, makeBatch, openSpool } from '../testing/spool.js';
import { encodeRecord, placeRecord } from './record.js';

let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'aurora-spool-'));
  folder = join(root, 'spool');
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(root, { recursive: true, force: true });
});

/** Where Node keeps the methods of open files, to watch them. */
async function fileHandlePrototype(): Promise<FileHandle> {
  const handle = await open(root, 'r');
  await handle.close();
  return Object.getPrototypeOf(handle) as FileHandle;
}
const segmentsIn = (path: string): string[] =>
  readdirSync(path)
    .filter((name) => name.endsWith('.segment'))
    .sort();
const onlySegment = (): string => join(folder, segmentsIn(folder)[0] ?? '');

/** A folder with one segment of these batches, as a process that was killed leaves it. */
async function leaveSegment(batches: readonly Batch[]): Promise<void> {
  const { spool } = await openSpool(folder);
  await spool.append(batches);
  await spool.close();
}

describe('a batch that was stored in two tries', () => {
  it('is one after a restart, and frees both segments with its acknowledgement', async () => {
    const batch = makeBatch(['once']);
    await leaveSegment([batch]);
    const [name = ''] = segmentsIn(folder);
    copyFileSync(
      join(folder, name),
      join(
        folder,
        name.replace(/^\d+/, (number) => number.replace(/\d$/, '9')),
      ),
    );
    expect(segmentsIn(folder)).toHaveLength(2);
    const { spool, recovered } = await openSpool(folder);
    expect(recovered).toEqual([batch.header]);
    expect(spool.batches).toBe(1);
    spool.acknowledge(batch.header.id);
    await spool.close();
    expect(segmentsIn(folder)).toEqual([]);
  });
});

describe('the spool', () => {
  it('gives batches back after a restart, with every byte of every line', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 20 }),
        async (lines) => {
          const batch = makeBatch(
            lines.map((line) => Buffer.from(line)),
            { traceparent: '00-1-2-01', request: { key: 'k', digest: 'd', index: 0, total: 1 } },
          );
          await leaveSegment([batch]);
          const { spool, recovered } = await openSpool(folder);
          expect(recovered).toEqual([batch.header]);
          expect(await spool.read(batch.header.id)).toEqual(batch);
          spool.acknowledge(batch.header.id);
          await spool.close();
        },
      ),
      { numRuns: 20 },
    );
  });

  it('shares one sync among requests that wait at the same time', async () => {
    const { spool } = await openSpool(folder);
    const datasync = vi.spyOn(await fileHandlePrototype(), 'datasync');
    await Promise.all(Array.from({ length: 200 }, (_, index) => spool.append([makeBatch([`line ${index}`])])));
    expect(spool.batches).toBe(200);
    expect(datasync.mock.calls.length).toBeLessThan(20);
    expect(spool.syncs).toBe(datasync.mock.calls.length);
    await spool.close();
  });

  it('promises nothing before the sync has ended', async () => {
    const { spool } = await openSpool(folder);
    const prototype = await fileHandlePrototype();
    const sync = prototype.datasync;
    let isPromised = false;
    let wasPromisedEarly: boolean | undefined;
    vi.spyOn(prototype, 'datasync').mockImplementation(async function (this: FileHandle) {
      await sync.call(this);
      await new Promise((resolve) => setImmediate(resolve));
      wasPromisedEarly = isPromised;
    });
    await spool.append([makeBatch(['a'])]).then(() => {
      isPromised = true;
    });
    expect(wasPromisedEarly).toBe(false);
    await spool.close();
  });

  it('refuses what a failing disk did not sync, leaves nothing of it, and goes on in another file', async () => {
    const { spool, health } = await openSpool(folder);
    const kept = makeBatch(['kept']);
    await spool.append([kept]);
    vi.spyOn(await fileHandlePrototype(), 'datasync').mockRejectedValueOnce(
      Object.assign(new Error('i/o error'), { code: 'EIO' }),
    );
    await expect(spool.append([makeBatch(['refused'])])).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    expect(health.report().components.spool?.reason).toContain('i/o error');
    const later = makeBatch(['later']);
    await spool.append([later]);
    expect(health.report().components.spool?.state).toBe('up');
    expect(segmentsIn(folder)).toHaveLength(2);
    await spool.close();
    const { spool: reopened, recovered } = await openSpool(folder);
    expect(recovered).toEqual([kept.header, later.header]);
    expect(reopened.damagedSegments).toBe(0);
    await reopened.close();
  });

  it('finds each sound record when the last one is torn at any byte, and cuts the torn one off', async () => {
    const [first, second] = [makeBatch(['first']), makeBatch(['second', 'third'])];
    await leaveSegment([first, second]);
    const whole = readFileSync(onlySegment());
    const name = segmentsIn(folder)[0] ?? '';
    const firstBytes = encodeRecord(first).byteLength;
    for (let size = firstBytes; size < whole.byteLength; size++) {
      const torn = join(root, `torn-${size}`);
      mkdirSync(torn);
      writeFileSync(join(torn, name), whole.subarray(0, size));
      const { spool, recovered } = await openSpool(torn);
      expect(recovered.map(({ id }) => id)).toEqual([first.header.id]);
      expect(spool.bytes).toBe(firstBytes);
      expect(spool.damagedSegments).toBe(0);
      await spool.close();
      expect(readFileSync(join(torn, name)).byteLength).toBe(firstBytes);
    }
  });

  it('does not take zeros behind the last record, as power loss leaves them, for a record', async () => {
    const batch = makeBatch(['first']);
    await leaveSegment([batch]);
    truncateSync(onlySegment(), 8_192);
    const { spool, recovered } = await openSpool(folder);
    expect(recovered).toHaveLength(1);
    expect(spool.damagedSegments).toBe(0);
    await spool.close();
  });

  it('sends the sound records around a damaged one and sets the file aside, whichever byte is damaged', async () => {
    const batches = [makeBatch(['first']), makeBatch(['second']), makeBatch(['third'])];
    await leaveSegment(batches);
    const whole = readFileSync(onlySegment());
    const name = segmentsIn(folder)[0] ?? '';
    const start = encodeRecord(batches[0] as Batch).byteLength;
    const end = start + encodeRecord(batches[1] as Batch).byteLength;
    for (let at = start; at < end; at++) {
      const damaged = join(root, `damaged-${at}`);
      mkdirSync(damaged);
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ 0x40;
      writeFileSync(join(damaged, name), bytes);
      const { spool, health, recovered } = await openSpool(damaged);
      expect(recovered.map(({ id }) => id)).toEqual([batches[0]?.header.id, batches[2]?.header.id]);
      expect(await linesOf(spool, batches[2]?.header.id ?? '')).toEqual(['third']);
      expect(health.report().components.spool?.state).toBe('degraded');
      for (const { id } of recovered) spool.acknowledge(id);
      await spool.close();
      expect(readFileSync(join(damaged, `${name}.damaged`))).toEqual(bytes);
      expect(segmentsIn(damaged)).toEqual([]);
    }
  });

  it('treats a torn end of an earlier segment as damage', async () => {
    await leaveSegment([makeBatch(['first']), makeBatch(['second'])]);
    truncateSync(onlySegment(), readFileSync(onlySegment()).byteLength - 1);
    copyFileSync(onlySegment(), join(folder, '000000000009-00112233445566ff.segment'));
    const { spool } = await openSpool(folder);
    expect(spool.batches).toBe(1);
    expect(spool.damagedSegments).toBe(1);
    await spool.close();
  });

  it('never lets a line come to life as a record of another tenant when the record around it is damaged', async () => {
    const forged = encodeRecord(makeBatch(['forged'], { tenant: 'another-tenant' }));
    const forgedBytes = Buffer.alloc(forged.byteLength);
    placeRecord(forged, Buffer.from('guessed!'), forgedBytes, 0);
    await leaveSegment([makeBatch([forgedBytes]), makeBatch(['honest'])]);
    const bytes = readFileSync(onlySegment());
    bytes[10] = 0xff;
    writeFileSync(onlySegment(), bytes);
    const { spool, recovered } = await openSpool(folder);
    expect(recovered).toHaveLength(1);
    expect(recovered.some(({ tenant }) => tenant === 'another-tenant')).toBe(false);
    await spool.close();
  });

  it('deletes a segment only when all its batches are acknowledged', async () => {
    const { spool } = await openSpool(folder, { maxBytes: 8 * 64 * 1024 });
    const batches = Array.from({ length: 12 }, () => makeBatch(['x'.repeat(20_000)]));
    for (const batch of batches) await spool.append([batch]);
    const before = segmentsIn(folder);
    expect(before.length).toBe(3);
    for (const { header } of batches.slice(1)) spool.acknowledge(header.id);
    await until(() => segmentsIn(folder).length === 1, 'acknowledged segments are deleted');
    expect(segmentsIn(folder)).toEqual(before.slice(0, 1));
    expect(await linesOf(spool, batches[0]?.header.id ?? '')).toHaveLength(1);
    spool.acknowledge(batches[0]?.header.id ?? '');
    await until(() => spool.bytes === 0, 'the last segment is deleted');
    await spool.close();
  });

  it('refuses at its limit of bytes, says so, and accepts again when batches are acknowledged', async () => {
    const { spool, health } = await openSpool(folder, { maxBytes: 100_000 });
    const batches = Array.from({ length: 9 }, () => makeBatch(['x'.repeat(10_000)]));
    for (const batch of batches) await spool.append([batch]);
    await expect(spool.append([makeBatch(['x'.repeat(20_000)])])).rejects.toMatchObject({
      code: 'STORAGE_FULL',
      retryAfterSeconds: 5,
    });
    expect(health.report().components.spool?.state).toBe('down');
    expect(spool.batches).toBe(9);
    for (const { header } of batches.slice(0, 8)) spool.acknowledge(header.id);
    await until(() => health.report().components.spool?.state === 'up', 'the spool has room');
    await spool.append([makeBatch(['x'.repeat(20_000)])]);
    await spool.close();
  });

  it('refuses at its limit of batches, and says when there is room, also while their segment is kept for more', async () => {
    const { spool, health } = await openSpool(folder, { maxBatches: 2 });
    const batches = [makeBatch(['a']), makeBatch(['b'])];
    await spool.append(batches);
    await expect(spool.append([makeBatch(['c'])])).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    expect(spool.isFull).toBe(true);
    for (const { header } of batches) spool.acknowledge(header.id);
    expect(spool.isFull).toBe(false);
    expect(health.report().components.spool?.state).toBe('up');
    await spool.close();
  });

  it('belongs to one process at a time', async () => {
    const { spool } = await openSpool(folder);
    await expect(openSpool(folder)).rejects.toMatchObject({ code: 'CONFLICT' });
    await spool.close();
    await (await openSpool(folder)).spool.close();
  });

  it.each(['opened', 'measured', 'read'])('leaves no file open when the second segment cannot be %s', async (what) => {
    await leaveSegment([makeBatch(['first'])]);
    const second = join(folder, '000000000009-00112233445566ff.segment');
    if (what === 'opened') mkdirSync(second);
    else copyFileSync(onlySegment(), second);
    const prototype = await fileHandlePrototype();
    const { stat, read } = prototype;
    const handles = new Set<FileHandle>();
    const failing = <M extends (...args: never[]) => unknown>(method: M, isBroken: boolean): M =>
      function (this: FileHandle, ...args: never[]) {
        handles.add(this);
        if (isBroken && handles.size > 1) throw new Error('broken');
        return method.apply(this, args);
      } as M;
    vi.spyOn(prototype, 'stat').mockImplementation(failing(stat, what === 'measured'));
    vi.spyOn(prototype, 'read').mockImplementation(failing(read, what === 'read'));
    await expect(openSpool(folder)).rejects.toThrow(what === 'opened' ? 'EISDIR' : 'broken');
    // One that is closed has no number.
    expect([...handles].map(({ fd }) => fd)).toEqual(what === 'opened' ? [-1] : [-1, -1]);
  });

  it('leaves nothing behind when it is closed with everything acknowledged', async () => {
    const { spool } = await openSpool(folder);
    const batch = makeBatch(['a']);
    await spool.append([batch]);
    spool.acknowledge(batch.header.id);
    await spool.close();
    expect(segmentsIn(folder)).toEqual([]);
  });

  it('reports a record that the disk changed under it instead of sending other bytes', async () => {
    const { spool, health } = await openSpool(folder);
    const batch = makeBatch(['honest line']);
    await spool.append([batch]);
    const bytes = readFileSync(onlySegment());
    bytes[bytes.byteLength - 1] = 0x21;
    writeFileSync(onlySegment(), bytes);
    await expect(spool.read(batch.header.id)).rejects.toMatchObject({ code: 'RECORD_DAMAGED' });
    expect(health.report().components.spool?.reason).toContain('damaged');
    await spool.close();
  });
});
