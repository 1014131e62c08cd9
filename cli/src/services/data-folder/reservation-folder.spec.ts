import { chownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeScratchFolder } from '../testing/scratch-folder.js';
import { openReservationFolder } from './reservation-folder.js';

const NOBODY = 65_534;

describe('the folder of reserved ports', () => {
  it('is the first that is a folder of this user, closed to all others', () => {
    const scratch = makeScratchFolder();
    const [file, link, own] = ['file', 'link', 'own'].map((name) => join(scratch, name)) as [string, string, string];
    writeFileSync(file, '');
    mkdirSync(join(scratch, 'target'));
    symlinkSync('target', link);
    expect(openReservationFolder([file, link, own, join(scratch, 'more')])).toBe(own);
    expect(statSync(own).mode & 0o777).toBe(0o700);
    expect(openReservationFolder([own])).toBe(own);
  });

  it('is asked for in one line where there is none', () => {
    const path = join(makeScratchFolder(), 'taken');
    writeFileSync(path, '');
    expect(() => openReservationFolder([path])).toThrow(
      expect.objectContaining({ code: 'PORTS_UNAVAILABLE', publicMessage: expect.stringContaining(path) }),
    );
  });

  it.runIf(process.getuid?.() === 0)('is not one that another user has put there', () => {
    const scratch = makeScratchFolder();
    const [theirs, own] = [join(scratch, 'theirs'), join(scratch, 'own')];
    mkdirSync(theirs);
    chownSync(theirs, NOBODY, NOBODY);
    expect(openReservationFolder([theirs, own])).toBe(own);
  });
});
