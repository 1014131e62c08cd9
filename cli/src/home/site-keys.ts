/** The keys of an installation: made at its first start, never replaced by a later one. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeApiKeys } from '@aurorasoc/kit/auth';
import { writeFileAtomically } from '../services/data-folder/write-file-atomically.js';
import type { SiteHome } from './site-home.js';

const OWNER_ONLY_FOLDER = 0o700;
/** What signs cursors and derives database logins; 32 bytes are the least that is accepted. */
const SECRET_BYTES = 32;

export interface KeyPairFiles {
  readonly privateKey: string;
  readonly publicKey: string;
}

export interface SiteKeys {
  readonly secretFile: string;
  readonly gateway: KeyPairFiles;
  readonly agents: KeyPairFiles;
  /** The site's own: what other sites know it by. */
  readonly site: KeyPairFiles;
}

/** Makes what is missing. A public key that is missing is derived again from its private one. */
export function prepareSiteKeys(home: SiteHome): SiteKeys {
  mkdirSync(home.keysDir, { recursive: true, mode: OWNER_ONLY_FOLDER });
  chmodSync(home.keysDir, OWNER_ONLY_FOLDER);
  const { secretFile } = home;
  if (!existsSync(secretFile)) createSecret(secretFile);
  mkdirSync(dirname(home.apiKeysFile), { recursive: true, mode: OWNER_ONLY_FOLDER });
  if (!existsSync(home.apiKeysFile)) writeApiKeys(home.apiKeysFile, []);
  return {
    secretFile,
    gateway: prepareKeyPair(home, 'gateway'),
    agents: prepareKeyPair(home, 'agents'),
    site: prepareKeyPair(home, 'site'),
  };
}

function createSecret(file: string): void {
  // The exclusive flag: a secret that is there must not be replaced, whatever happened between the look and now.
  writeFileSync(file, randomBytes(SECRET_BYTES), { mode: 0o600, flag: 'wx', flush: true });
}

function prepareKeyPair(home: SiteHome, name: string): KeyPairFiles {
  const files = { privateKey: join(home.keysDir, `${name}.pem`), publicKey: join(home.keysDir, `${name}.pub.pem`) };
  if (!existsSync(files.privateKey)) {
    const { privateKey } = generateKeyPairSync('ed25519');
    writeFileAtomically(files.privateKey, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    writePublicKey(files);
  } else if (!existsSync(files.publicKey)) writePublicKey(files);
  return files;
}

function writePublicKey({ privateKey, publicKey }: KeyPairFiles): void {
  const key = createPublicKey(createPrivateKey(readFileSync(privateKey)));
  writeFileAtomically(publicKey, key.export({ type: 'spki', format: 'pem' }).toString());
}
