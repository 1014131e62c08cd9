import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { readSupergraph } from './supergraph.js';

it('tells of a supergraph that is none, and of one that is not there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'aurora-supergraph-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'supergraph.graphql');
  expect(() => readSupergraph(file)).toThrow(/The supergraph .* cannot be read; .*npm run compose/s);
  writeFileSync(file, 'type Query { a: Int }');
  expect(() => readSupergraph(file)).toThrow(/The supergraph .* is not valid: .*npm run compose/s);
});
