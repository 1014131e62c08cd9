import { describe, expect, it } from 'vitest';
import { summarizeLog } from './summarize-log.js';

const entry = (level: string, msg: string, error?: string) => JSON.stringify({ level, msg, ...(error && { error }) });

describe('why a role did not come up', () => {
  it('is the last severe entry, also when harmless ones follow', () => {
    const lines = [
      entry('info', 'Starting'),
      entry('fatal', 'Start failed', 'Port 1 is taken'),
      entry('info', 'Stopped'),
    ];
    expect(summarizeLog(lines)).toBe('Start failed: Port 1 is taken');
  });

  it('is the first line of a stack', () => {
    expect(summarizeLog([entry('fatal', 'Start failed', 'Error: no\n    at x (y.js:1:1)')])).toBe(
      'Start failed: Error: no',
    );
  });

  it('keeps every line of a list of bad variables', () => {
    expect(summarizeLog([entry('fatal', 'Start failed', 'A: bad\nB: worse')])).toBe('Start failed: A: bad; B: worse');
  });

  it('is what the command line printed before there was a log', () => {
    expect(summarizeLog(['aurora: CONFIGURATION_INVALID: X is not set', ''])).toContain('X is not set');
  });

  it('is unknown for a log without a line', () => {
    expect(summarizeLog([])).toBeUndefined();
  });
});
