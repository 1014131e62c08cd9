import { describe, expect, it } from 'vitest';
import { FrameReader, FramingError, trimEnd } from './frame-reader.js';

const MAX_BYTES = 64;

/** What a sender's pieces become; `isCutOff` as `end` tells it. */
function read(...pieces: readonly string[]): { frames: string[]; isCutOff: boolean; framing: string } {
  const frames: string[] = [];
  const reader = new FrameReader(MAX_BYTES, (frame) => frames.push(frame.toString()));
  for (const piece of pieces) reader.push(Buffer.from(piece));
  return { isCutOff: reader.end(), framing: reader.framing, frames };
}

function faultOf(...pieces: readonly string[]): string | undefined {
  try {
    read(...pieces);
    return undefined;
  } catch (error) {
    if (error instanceof FramingError) return error.fault;
    throw error;
  }
}

describe('newline framing', () => {
  it('gives lines without their ends, and the last one also without an end', () => {
    expect(read('<1>a\n<2>b\r\n\n<3>c\0\n<4>d')).toEqual({
      frames: ['<1>a', '<2>b', '<3>c', '<4>d'],
      isCutOff: false,
      framing: 'lines',
    });
  });

  it('reads alike however the stream is cut', () => {
    const text = '<34>1 2026-01-01T00:00:00Z host app - - - one\n<34>Oct 11 22:14:15 host su: two\n';
    const whole = read(text).frames;
    expect(whole).toHaveLength(2);
    for (let at = 0; at <= text.length; at++) expect(read(text.slice(0, at), text.slice(at)).frames).toEqual(whole);
    expect(read(...text).frames).toEqual(whole);
  });

  it('takes a message of the most bytes, and refuses one byte more, ended or not', () => {
    expect(read(`${'<'.repeat(MAX_BYTES)}\n`).frames).toHaveLength(1);
    expect(faultOf(`${'<'.repeat(MAX_BYTES + 1)}\n`)).toBe('too_long');
    expect(faultOf('<'.repeat(MAX_BYTES), '<')).toBe('too_long');
  });
});

describe('octet counting', () => {
  it('gives messages of their length, with line breaks inside', () => {
    expect(read('6 <1>a\nb5 <2>cd')).toEqual({ frames: ['<1>a\nb', '<2>cd'], isCutOff: false, framing: 'counted' });
  });

  it('overlooks a line end between messages, counted or not', () => {
    expect(read('5 <1>a\n4 <2>b\n4 <3>c\r\n').frames).toEqual(['<1>a', '<2>b', '<3>c']);
  });

  it('reads alike however the stream is cut', () => {
    const text = '12 <1>hello\n2 u10 <2>another4 <3>c';
    const whole = read(text);
    expect(whole.frames).toEqual(['<1>hello\n2 u', '<2>another', '<3>c']);
    for (let at = 0; at <= text.length; at++) expect(read(text.slice(0, at), text.slice(at))).toEqual(whole);
  });

  it('notices a sender that breaks off in a message or in a length', () => {
    expect(read('10 <1>a').isCutOff).toBe(true);
    expect(read('1').isCutOff).toBe(true);
    expect(read('5 <1>ab').isCutOff).toBe(false);
  });

  it('gives out what came before a broken length, then refuses', () => {
    const frames: string[] = [];
    const reader = new FrameReader(MAX_BYTES, (frame) => frames.push(frame.toString()));
    expect(() => reader.push(Buffer.from('5 <1>ab<2>c'))).toThrow(FramingError);
    expect(frames).toEqual(['<1>ab']);
    for (const text of ['5x', '5 <1>ab 4', '5 <1>ab0 '] as const) expect(faultOf(text)).toBe('bad_length');
  });

  it('refuses a length above the limit before any of the message has come', () => {
    expect(faultOf(`${MAX_BYTES + 1}`)).toBe('too_long');
    expect(faultOf('9'.repeat(400))).toBe('too_long');
  });
});

describe('a message that comes byte by byte', () => {
  const BYTES = 100_000;

  it.each([
    ['a line', ''],
    ['a counted one', `${BYTES} `],
  ])('takes at most twice its bytes of memory, and nothing once it is whole: %s', (_, length) => {
    const frames: string[] = [];
    const reader = new FrameReader(128 * 1024, (frame) => frames.push(frame.toString()));
    reader.push(Buffer.from(`${length}<`));
    const byte = Buffer.from('x');
    for (let n = 1; n < BYTES - 1; n++) {
      reader.push(byte);
      if (reader.heldBytes > Math.max(2 * (n + 1), 256)) throw new Error(`${n + 1} bytes take ${reader.heldBytes}`);
    }
    expect(frames).toEqual([]);
    reader.push(Buffer.from('>\n'));
    expect(frames).toEqual([`<${'x'.repeat(BYTES - 2)}>`]);
    expect(reader.heldBytes).toBe(0);
  });
});

describe('trimEnd', () => {
  it('takes line ends and NULs off the end alone', () => {
    expect(trimEnd(Buffer.from('\na\0b \r\n\0')).toString()).toBe('\na\0b ');
    expect(trimEnd(Buffer.from('\n\r\0')).byteLength).toBe(0);
  });
});
