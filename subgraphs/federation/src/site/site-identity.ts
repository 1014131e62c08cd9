/** Who this site is: a record made at its first start, and the key that it signs by. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { readPrivateKey } from '@aurorasoc/kit/auth';
import type { Database } from '@aurorasoc/kit/database';
import { AuroraError } from '@aurorasoc/kit/errors';
import { newId } from '@aurorasoc/kit/ids';
import { calculateJwkThumbprint, exportJWK } from 'jose';

export interface SiteFacts {
  /** UUIDv7; stays when name and key change. */
  readonly id: string;
  readonly name: string;
  /** SHA-256 thumbprint of the public key as a JWK (RFC 7638), base64url. */
  readonly keyId: string;
  /** SubjectPublicKeyInfo, PEM. */
  readonly publicKey: string;
  readonly createdAt: Date;
}

export class SiteIdentity {
  readonly #publicKey: KeyObject;
  #facts: SiteFacts | undefined;

  /**
   * @param name - the site's name, authority of its events.
   * @throws AuroraError `CONFIGURATION_INVALID` when the file holds no Ed25519 private key.
   */
  constructor(
    private readonly database: Database,
    private readonly name: string,
    privateKeyFile: string,
  ) {
    this.#publicKey = readPublicHalf(privateKeyFile);
  }

  /** Makes the record when there is none; of replicas that start at once, one does. */
  async read(): Promise<SiteFacts> {
    this.#facts ??= await this.#load();
    return this.#facts;
  }

  async #load(): Promise<SiteFacts> {
    await this.database.execute('insert into federation.site (id) values (?) on conflict (is_own) do nothing', [
      newId(),
    ]);
    const [row] = await this.database.execute<{ id: string; created_at: Date | string }>(
      'select id, created_at from federation.site',
    );
    if (row === undefined) throw new Error('The site has no record although it was just made');
    return {
      id: row.id,
      name: this.name,
      keyId: await calculateJwkThumbprint(await exportJWK(this.#publicKey), 'sha256'),
      publicKey: this.#publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      createdAt: new Date(row.created_at),
    };
  }
}

function readPublicHalf(file: string): KeyObject {
  const problem = (cause?: unknown) =>
    new AuroraError({
      code: 'CONFIGURATION_INVALID',
      publicMessage: `SITE_PRIVATE_KEY_FILE: ${file} holds no Ed25519 private key (make one: openssl genpkey -algorithm ed25519 -out ${file})`,
      ...(cause === undefined ? {} : { cause }),
    });
  let key: KeyObject;
  try {
    key = createPublicKey(readPrivateKey(file));
  } catch (cause) {
    throw problem(cause);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw problem();
  return key;
}
