/** A device's public key, as it is given at enrolment. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { badUserInput } from '@aurorasoc/kit/errors';

/** One block and nothing around it, of which the parser would take the first and pass over the rest (RFC 7468, section 2). */
const ONE_BLOCK = /^\s*-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----\s*$/;
/** The longest PEM of the kinds of keys below, several times over. */
const MAX_LENGTH = 2_000;

/**
 * The key in one spelling, so that equal keys are equal texts.
 * @returns SubjectPublicKeyInfo in PEM.
 * @throws AuroraError `BAD_USER_INPUT` unless it is a public key on P-256 or an Ed25519 one, which devices sign with (ES256,
 *   EdDSA: RFC 9053, section 2).
 */
export function readPublicKey(field: string, text: string): string {
  const key = text.length <= MAX_LENGTH && ONE_BLOCK.test(text) ? parseKey(text) : undefined;
  const isKnown =
    key?.asymmetricKeyType === 'ed25519' ||
    (key?.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1');
  if (!key || !isKnown)
    throw badUserInput(field, 'Give the public key as PEM (SubjectPublicKeyInfo), on P-256 or Ed25519');
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

function parseKey(text: string): KeyObject | undefined {
  try {
    return createPublicKey({ key: text, format: 'pem' });
  } catch {
    // Not a key at all, which the caller reports as it does one of another kind.
    return undefined;
  }
}
