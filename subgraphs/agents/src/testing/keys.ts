/** Keys and secret of an installation, in files as processes read them. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestKeys {
  readonly folder: string;
  readonly secretFile: string;
  readonly agents: { readonly privateFile: string; readonly publicFile: string };
  readonly gateway: { readonly privateFile: string; readonly publicFile: string };
  remove(): void;
}

export function makeKeys(): TestKeys {
  const folder = mkdtempSync(join(tmpdir(), 'aurora-agents-'));
  const secretFile = join(folder, 'secret');
  writeFileSync(secretFile, randomBytes(48));
  return {
    folder,
    secretFile,
    agents: makePair(folder, 'agents'),
    gateway: makePair(folder, 'gateway'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function makePair(folder: string, name: string): { privateFile: string; publicFile: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const files = { privateFile: join(folder, `${name}.pem`), publicFile: join(folder, `${name}.pub.pem`) };
  writeFileSync(files.privateFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  writeFileSync(files.publicFile, publicKey.export({ type: 'spki', format: 'pem' }));
  return files;
}
