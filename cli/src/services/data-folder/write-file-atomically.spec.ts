import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeScratchFolder } from '../testing/scratch-folder.js';
import { writeFileAtomically } from './write-file-atomically.js';

it('leaves nothing behind but the file, nor anything when it fails', () => {
  const folder = makeScratchFolder();
  writeFileAtomically(join(folder, 'file'), 'old');
  writeFileAtomically(join(folder, 'file'), 'new');
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('new');
  mkdirSync(join(folder, 'taken'));
  expect(() => writeFileAtomically(join(folder, 'taken'), 'x')).toThrow('EISDIR');
  expect(readdirSync(folder).sort()).toEqual(['file', 'taken']);
});
