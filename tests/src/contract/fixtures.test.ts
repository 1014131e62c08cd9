import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { basicVariables } from '../support/environment.js';
import { explainMissingFixtures } from '../support/fixtures.js';

const RUN = fileURLToPath(new URL('../../dist/run.js', import.meta.url));

describe('a check that needs foreign data', () => {
  it('says that the variable is not set and where the layout is described, and names no folder of its own', () => {
    const line = explainMissingFixtures(undefined);
    expect(line).toMatch(/^AURORA_FIXTURES is not set; .*tests\/README\.md$/);
    expect(line).not.toContain('shared/fixtures');
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    expect(readme).toContain('regression-index.json');
  });

  it('names the folder that was set and does not exist', async () => {
    const env = { ...basicVariables(), AURORA_FIXTURES: '/nowhere' };
    await expect(promisify(execFile)(process.execPath, [RUN, 'conformance', 'sigma'], { env })).rejects.toMatchObject({
      code: 2,
      stderr: `${explainMissingFixtures('/nowhere')}\n`,
    });
  });
});
