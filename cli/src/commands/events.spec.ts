import { describe, expect, it } from 'vitest';
import type { ListedEvent } from '../client/operations.js';
import { formatEvent } from './events.js';

const event: ListedEvent = {
  id: '0199a000-0000-7000-8000-000000000000',
  timestamp: '2026-11-23T10:00:00.000Z',
  ingestedAt: '2026-11-23T10:00:01.000Z',
  code: '1',
  dataset: 'windows.sysmon_operational',
  hostName: 'WS-07',
  userName: 'eve\u001b[2J',
  isRaw: false,
  original: 'line\nof the log',
  document: {},
};

describe('lines of events', () => {
  it('tell what was understood and how it came, with hostile text written out', () => {
    expect(formatEvent(event)).toBe(
      '2026-11-23T10:00:00.000Z  windows.sysmon_operational 1 · WS-07 · eve\\u{1b}[2J · 0199a000-0000-7000-8000-000000000000\n' +
        '    line\\nof the log',
    );
  });

  it('say when nothing was understood', () => {
    const raw = { ...event, isRaw: true, code: null, dataset: null, hostName: null, userName: null };
    expect(formatEvent(raw)).toContain('RAW (kept as it came) · 0199a000');
  });
});
