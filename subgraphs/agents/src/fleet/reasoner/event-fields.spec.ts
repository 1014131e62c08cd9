import { describe, expect, it } from 'vitest';
import { baseName, cite, showText, textOf } from './event-fields.js';

const event = {
  id: '01999999-0000-7000-8000-000000000001',
  timestamp: '2026-03-04T05:06:07.000Z',
  document: { process: { pid: 7, name: 'a', args: ['x'] } },
};

describe('fields of events', () => {
  it('are text where they are scalars, and absent else', () => {
    expect(textOf(event, 'process.pid')).toBe('7');
    expect(textOf(event, 'process.args')).toBeUndefined();
    expect(textOf(event, 'process.parent.name')).toBeUndefined();
  });

  it('are cited with the value as it stands, and only where they exist', () => {
    expect(cite(event, 'process.pid', 'process.title')).toEqual([
      { eventId: event.id, pointer: '/process/pid', value: 7 },
    ]);
  });

  it('show hidden characters to people as code points', () => {
    expect(showText('a\u202Eexe.txt\u200B\u001B[2J')).toBe('a\\u{202e}exe.txt\\u{200b}\\u{1b}[2J');
    expect(showText('a\0\ud83d')).toBe('a\\u{0}\\u{d83d}');
    expect(showText('x'.repeat(120))).toHaveLength(120);
    expect(showText('x'.repeat(500))).toHaveLength(121);
    expect(showText('\u200B'.repeat(500)).length).toBeLessThanOrEqual(121);
  });

  it('take the file name from paths of both kinds', () => {
    expect(baseName('C:\\Windows\\System32\\CMD.EXE')).toBe('cmd.exe');
    expect(baseName('/usr/bin/env')).toBe('env');
  });
});
