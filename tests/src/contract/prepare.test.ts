/** What a person sees before the first start: scripts/prepare.sh, with stand-ins for npm and the compiler. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { basicVariables } from '../support/environment.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

function makeClone(npm: string, tsc = 'true'): string {
  const folder = mkdtempSync(join(tmpdir(), 'aurora-prepare-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'bin'));
  for (const [name, script] of Object.entries({ npm, tsc })) {
    writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, 'bin', name), 0o755);
  }
  writeFileSync(join(folder, 'package-lock.json'), '{}');
  return folder;
}

function prepare(folder: string): Promise<{ stdout: string; stderr: string }> {
  const env = { PATH: `${join(folder, 'bin')}:${basicVariables().PATH}` };
  return promisify(execFile)('sh', [join(root, 'scripts/prepare.sh')], { cwd: folder, env });
}

describe('the first start', () => {
  it('says what takes long, once, and spares warnings about the Node of the host', async () => {
    const folder = makeClone(
      'mkdir -p node_modules && echo "npm $*" && sleep 1 && echo > node_modules/.package-lock.json',
    );
    const first = await prepare(folder);
    expect(first.stdout).toContain('Installing packages (some 630 MB)');
    expect(first.stdout).toContain('--loglevel=error');
    expect(first.stdout).toContain('Compiling (a minute or two, once)');
    mkdirSync(join(folder, 'cli/dist'), { recursive: true });
    writeFileSync(join(folder, 'cli/dist/bin.js'), '');
    expect((await prepare(folder)).stdout).toBe('');
  });

  it('shows why an installation failed, and goes no further', async () => {
    const folder = makeClone('echo "npm error ENOSPC" >&2; exit 28', 'echo compiled');
    await expect(prepare(folder)).rejects.toMatchObject({
      code: 28,
      stderr: 'npm error ENOSPC\n',
      stdout: expect.not.stringContaining('compiled'),
    });
  });

  it('has a decision on the install script of every package, so that npm asks for none', () => {
    const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { hasInstallScript?: true; os?: string[]; cpu?: string[] }>;
    };
    const { allowScripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      allowScripts: Record<string, boolean>;
    };
    const isSupported = (values: string[] | undefined, ...ours: string[]) =>
      values === undefined || values.some((value) => ours.includes(value));
    const undecided = Object.entries(packages)
      .filter(
        ([, its]) =>
          its.hasInstallScript && isSupported(its.os, 'linux', 'darwin') && isSupported(its.cpu, 'x64', 'arm64'),
      )
      .map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length))
      .filter((name) => !(name in allowScripts));
    expect(undecided).toEqual([]);
  });
});
