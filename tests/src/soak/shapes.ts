/**
 * The tests of `src/site/`, which need not know how a site is cut, on one that is cut as far as it goes: two domains in a
 * PostgreSQL of their own, every role a process, and each domain's workers in three more. Then the containers of
 * docker-compose.yml as processes.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { basicVariables, networkVariables, pickVariables } from '../support/environment.js';

export interface ShapesSoakOutcome {
  readonly name: 'shapes';
  readonly met: boolean;
  readonly passed: number;
  readonly total: number;
}

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const VITEST = fileURLToPath(new URL('../../../node_modules/vitest/vitest.mjs', import.meta.url));

/** All that the tests get to see of the environment. */
export function shapesVariables(): Readonly<Record<string, string>> {
  return {
    ...basicVariables(),
    ...networkVariables(),
    ...pickVariables(['AURORA_SERVICES', 'AURORA_FIXTURES']),
    AURORA_TEST_SHAPE: 'split',
  };
}

export async function soakShapes(): Promise<ShapesSoakOutcome> {
  const run = spawn(process.execPath, [VITEST, 'run', '--project', 'site', '--project', 'deployment'], {
    cwd: ROOT,
    env: shapesVariables(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  run.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
    process.stdout.write(chunk);
  });
  const code = await new Promise<number | null>((resolve) => run.on('close', resolve));
  const [, passed = '0', failed = '0'] = /^(\d+) passed, (\d+) failed$/m.exec(output) ?? [];
  return { name: 'shapes', met: code === 0, passed: Number(passed), total: Number(passed) + Number(failed) };
}
