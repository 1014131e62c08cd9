import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder of this test's own; removed after whatever the test registers later has been cleaned up. */
export function makeScratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'aurora-services-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
