import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeControls, fitLine, formatJsonLine } from './escape-controls.js';

describe('text of events on a terminal', () => {
  it('writes escape sequences out instead of sending them', () => {
    expect(escapeControls('\u001b[2Jcmd.exe\u009b31m')).toBe('\\u{1b}[2Jcmd.exe\\u{9b}31m');
  });

  it('shows bidirectional and invisible marks that disguise a name', () => {
    expect(escapeControls('invoice\u202efdp.exe\u200b')).toBe('invoice\\u{202e}fdp.exe\\u{200b}');
    expect(escapeControls('a\u{e0041}b')).toBe('a\\u{e0041}b');
  });

  it('stays on one line', () => {
    expect(escapeControls('a\r\nb\tc\u2028d')).toBe('a\\r\\nb\\tc\\u{2028}d');
  });

  it('leaves other scripts and emoji as they are', () => {
    expect(escapeControls('Größe 漢字 עברית 🛡')).toBe('Größe 漢字 עברית 🛡');
  });

  it('cuts what is too long', () => {
    expect(fitLine('abcdef', 4)).toBe('abc…');
    expect(fitLine('abcd', 4)).toBe('abcd');
  });

  it('writes JSON that means the same and holds nothing unsafe', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const line = formatJsonLine({ [text]: text });
        expect(JSON.parse(line)).toEqual({ [text]: text });
        expect(escapeControls(line)).toBe(line);
      }),
    );
  });
});
