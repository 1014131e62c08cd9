/** What the linter's import rules cannot say: a domain's migrations belong to the folder of its own name alone. */
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));

describe('a subgraph', () => {
  it('imports no migrations but its own', () => {
    const foreign = globSync('subgraphs/*/src/**/*.ts', { cwd: root }).flatMap((file) => {
      const own = file.split('/')[1];
      const imported = readFileSync(`${root}${file}`, 'utf8').matchAll(/'@aurorasoc\/migrations\/([\w-]+)'/g);
      return [...imported].filter(([, domain]) => domain !== own).map(([, domain]) => `${file} → ${domain}`);
    });
    expect(foreign).toEqual([]);
  });
});
