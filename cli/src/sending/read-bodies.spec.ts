import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EventFormat, readBodies } from './read-bodies.js';

async function* chunksOf(text: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < text.byteLength; at += size) yield text.subarray(at, at + size);
}

async function read(text: string | Buffer, format: EventFormat = 'auto', chunkSize = 7) {
  const bodies = await Array.fromAsync(readBodies(chunksOf(Buffer.from(text), chunkSize), format, 'input'));
  return bodies.map(({ contentType, body }) => ({ contentType, text: body.toString() }));
}

describe('reading files of events', () => {
  it('sends lines as they are', async () => {
    expect(await read('{"a":1}\r\n\nplain text\n')).toEqual([
      { contentType: 'application/x-ndjson', text: '{"a":1}\r\n\nplain text\n' },
    ]);
  });

  it('sends one pretty-printed document as one event', async () => {
    const document = '{\n  "a": "ü"\n}';
    expect(await read(`\ufeff${document}\n`)).toEqual([{ contentType: 'application/json', text: `[${document}]` }]);
  });

  it('sends a damaged document alone and keeps its neighbours', async () => {
    expect((await read('{"a":\n1}{"b":2}{"c":', 'json')).map(({ text }) => text)).toEqual([
      '[{"a":\n1},{"b":2}]',
      '{"c":',
    ]);
  });

  it('takes a broken first line for a line when told that these are lines', async () => {
    expect((await read('{"a":\n{"b":2}\n', 'lines'))[0]?.contentType).toBe('application/x-ndjson');
  });

  it('reads a long first line without going over it again and again', { timeout: 5_000 }, async () => {
    const line = `{"a":"${'x'.repeat(900_000)}"}\n`;
    expect((await read(line, 'auto', 64 * 1024)).map(({ text }) => text === line)).toEqual([true]);
  });

  it('has nothing to send for blank input', async () => {
    expect(await read(' \n\n')).toEqual([]);
    expect(await read('')).toEqual([]);
  });

  it.each([
    ['gzip', gzipSync('{"a":"ü"}\n{"b":2}\n')],
    ['gzip of two members', Buffer.concat([gzipSync('{"a":"ü"}\n'), gzipSync('{"b":2}\n')])],
    ['UTF-16, little-endian', Buffer.from('\ufeff{"a":"ü"}\n{"b":2}\n', 'utf16le')],
    ['UTF-16, big-endian', Buffer.from('\ufeff{"a":"ü"}\n{"b":2}\n', 'utf16le').swap16()],
    ['gzip of UTF-16', gzipSync(Buffer.from('\ufeff{"a":"ü"}\n{"b":2}\n', 'utf16le'))],
  ])('reads %s as the text that it is', async (_, bytes) => {
    for (const chunkSize of [1, 7, 1_000]) {
      expect(await read(bytes, 'auto', chunkSize)).toEqual([
        { contentType: 'application/x-ndjson', text: '{"a":"ü"}\n{"b":2}\n' },
      ]);
    }
  });

  it('says that a compressed file was cut off', async () => {
    const packed = gzipSync('{"a":1}\n'.repeat(100));
    await expect(read(packed.subarray(0, packed.byteLength - 6))).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      publicMessage: expect.stringContaining('input looks like gzip'),
    });
  });

  it('cuts long inputs between lines, and never loses or repeats a byte', async () => {
    const line = fc.string({ minLength: 1, maxLength: 300_000, unit: fc.constantFrom('x', 'ü', '"') });
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1_000, max: 2_000_000 }),
        async (lines, size) => {
          const text = lines.map((content) => `${content.repeat(5)}\n`).join('');
          const bodies = await read(text, 'lines', size);
          expect(bodies.map((body) => body.text).join('')).toBe(text);
          expect(bodies.every((body) => body.text.endsWith('\n'))).toBe(true);
        },
      ),
      { numRuns: 25 },
    );
  });
});
