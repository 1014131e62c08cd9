import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that several tests share; whoever made it removes it. */
export function makeLongScratchFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'aurora-site-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
