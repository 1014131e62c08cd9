import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readPublicKey } from './public-key.js';

const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();

describe("a device's public key", () => {
  it.each([
    ['P-256', pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)],
    ['Ed25519', pem(generateKeyPairSync('ed25519').publicKey)],
  ])('on %s is taken, and spelled in one way', (_curve, key) => {
    expect(readPublicKey('key', key)).toBe(key);
    expect(readPublicKey('key', `\n${key.replaceAll('\n', '\r\n')}`)).toBe(key);
  });

  it.each([
    ['P-384', pem(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey)],
    ['X25519, which signs nothing', pem(generateKeyPairSync('x25519').publicKey)],
    ['no key', 'key'],
    [
      'a private key, which must not leave its device',
      generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    ],
  ])('that is %s is refused', (_what, key) => {
    expect(() => readPublicKey('key', key)).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT', field: 'key' }));
  });

  it.each(['junk\n%', '%junk', '%\0', '%%'])('that is not alone is refused: %j', (around) => {
    const key = around.replaceAll('%', pem(generateKeyPairSync('ed25519').publicKey));
    expect(() => readPublicKey('key', key)).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT', field: 'key' }));
  });
});
