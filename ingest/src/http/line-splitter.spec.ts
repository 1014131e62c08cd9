import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter, MAX_BLANK_LINES, MAX_LINE_BYTES, MAX_LINES } from './line-splitter.js';

function split(chunks: readonly Buffer[]): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line.toString('latin1')));
  for (const chunk of chunks) splitter.push(chunk);
  splitter.end();
  return lines;
}

describe('LineSplitter', () => {
  it('finds the same lines however the body is cut into chunks', () => {
    const piece = fc.constantFrom('\n', '\r\n', '\r', ' ', '\t', 'a', '"', '\\n', '\0', '\xff');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), fc.array(fc.nat(60), { maxLength: 8 }), (pieces, cuts) => {
        const body = Buffer.from(pieces.join(''), 'latin1');
        const bounds = [0, ...cuts.map((cut) => Math.min(cut, body.byteLength)).sort((a, b) => a - b), body.byteLength];
        const chunks = bounds.slice(1).map((end, index) => body.subarray(bounds[index], end));
        const expected = body
          .toString('latin1')
          .split('\n')
          .map((line) => line.replace(/\r$/, ''))
          .filter((line) => /[^ \t\r]/.test(line));
        expect(split(chunks)).toEqual(expected);
      }),
    );
  });

  it('accepts a line of exactly the greatest length, with either line end', () => {
    const line = Buffer.alloc(MAX_LINE_BYTES, 'x');
    expect(split([line])).toHaveLength(1);
    expect(split([line, Buffer.from('\r\n'), line, Buffer.from('\n')])).toHaveLength(2);
  });

  it.each([
    ['empty', '\n'],
    ['white', ' \t\r\n'],
  ])('accepts exactly as many %s lines as it says, and refuses the next', (_name, blank) => {
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => lines.push(line.toString('latin1')));
    splitter.push(Buffer.from('first\n'));
    splitter.push(Buffer.from(blank.repeat(MAX_BLANK_LINES)));
    splitter.push(Buffer.from('last\n'));
    expect(lines).toEqual(['first', 'last']);
    expect(() => splitter.push(Buffer.from(blank))).toThrow(
      expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE', field: 'body' }),
    );
  });

  it('accepts exactly as many lines as it says beside the blank ones, and refuses the next', () => {
    let lines = 0;
    const splitter = new LineSplitter(() => lines++);
    splitter.push(Buffer.from('\na\n'.repeat(MAX_LINES)));
    splitter.end();
    expect(lines).toBe(MAX_LINES);
    expect(() => splitter.push(Buffer.from('a\n'))).toThrow(
      expect.objectContaining({
        code: 'PAYLOAD_TOO_LARGE',
        field: 'body',
        message: expect.stringContaining('Send smaller bodies'),
      }),
    );
    expect(lines).toBe(MAX_LINES);
  });

  it('names the first line that is longer, empty lines counted', () => {
    const splitter = new LineSplitter(() => undefined);
    splitter.push(Buffer.from('a\n\n\nb'));
    expect(() => splitter.push(Buffer.alloc(MAX_LINE_BYTES + 1, 'x'))).toThrow(
      expect.objectContaining({ field: 'lines[4]' }),
    );
    expect(() => split([Buffer.alloc(MAX_LINE_BYTES + 1, 'x')])).toThrow(
      expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE' }),
    );
  });
});
