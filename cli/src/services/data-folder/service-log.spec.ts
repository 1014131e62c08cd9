import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeScratchFolder } from '../testing/scratch-folder.js';
import { closeLog, openLog, readLogTail } from './service-log.js';

describe('a service log', () => {
  it('goes on where the last run ended, and its tail shows this run only', () => {
    const path = join(makeScratchFolder(), 'redis.log');
    writeFileSync(path, 'from the run before\n');
    const log = openLog(path);
    expect(readLogTail(log)).toEqual([]);
    appendFileSync(log.fd, 'one\n\ntwo\n');
    expect(readLogTail(log)).toEqual(['one', 'two']);
    expect(readFileSync(path, 'utf8')).toContain('from the run before');
    closeLog(log);
  });

  it('is set aside once at a start when it has grown large, in place of the one set aside before', () => {
    const path = join(makeScratchFolder(), 'redis.log');
    writeFileSync(`${path}.1`, 'the oldest');
    writeFileSync(path, Buffer.alloc(11 * 1024 * 1024, 'x'));
    const log = openLog(path);
    closeLog(log);
    expect(log.startOffset).toBe(0);
    expect(readdirSync(dirname(path)).sort()).toEqual(['redis.log', 'redis.log.1']);
    expect(readFileSync(`${path}.1`, 'utf8').slice(0, 3)).toBe('xxx');
  });
});
