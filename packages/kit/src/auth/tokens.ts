/**
 * Signed identity between processes: JWTs (RFC 7519) with EdDSA over Ed25519 (RFC 8037).
 *
 * The gateway signs an internal token per (identity, audience) for 30 s; subgraphs hold its public key. The agents domain
 * signs an investigation's tool tokens for 5 minutes; the gateway holds that public key.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { decodeJwt, decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose';
import { AuroraError, describeError } from '../errors.js';
import { type Principal, principalSchema, sharingKey } from './principal.js';
import { TokenCache } from './token-cache.js';

/** `iss` of the tokens that the gateway signs for subgraphs. */
export const GATEWAY_ISSUER = 'aurora-gateway';
/** `iss` of the tokens that the agents domain signs for its tasks. */
export const AGENTS_ISSUER = 'aurora-agents';

export interface VerifiedIdentity {
  readonly principal: Principal;
  /** Seconds since the epoch at which the session behind the token ends; sockets close then. */
  readonly sessionExpiresAt: number;
}

/** @throws AuroraError `CONFIGURATION_INVALID` naming the file, as {@link readPublicKey} */
export function readPrivateKey(path: string): KeyObject {
  return readKey(path, createPrivateKey);
}

export function readPublicKey(path: string): KeyObject {
  return readKey(path, createPublicKey);
}

function readKey(path: string, parse: (pem: Buffer) => KeyObject): KeyObject {
  try {
    return parse(readFileSync(path));
  } catch (cause) {
    throw new AuroraError({
      code: 'CONFIGURATION_INVALID',
      publicMessage: `${path} holds no such key (${describeError(cause)}); put a good copy back, or remove both files of the pair and start the site anew`,
      cause,
    });
  }
}

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** Signs tokens of one issuer, and hands out a token again while more than a third of its life is left. */
export class TokenSigner {
  readonly #cache = new TokenCache<{ token: string; expiresAt: number }>();

  constructor(
    private readonly issuer: string,
    private readonly key: KeyObject,
    private readonly lifetimeSeconds: number,
  ) {}

  /**
   * @param audience - the process that will accept the token, for example `alerts`.
   * @param sessionExpiresAt - seconds since the epoch; the token itself never outlives it.
   */
  async sign(principal: Principal, audience: string, sessionExpiresAt: number): Promise<string> {
    const key = `${audience} ${sessionExpiresAt} ${sharingKey(principal)}`;
    const now = nowSeconds();
    const cached = this.#cache.get(key);
    if (cached && cached.expiresAt - now > this.lifetimeSeconds / 3) return cached.token;
    const expiresAt = Math.min(now + this.lifetimeSeconds, sessionExpiresAt);
    const token = await new SignJWT({
      tenant: principal.tenant,
      kind: principal.kind,
      scope: principal.scopes.join(' '),
      session_exp: sessionExpiresAt,
      ...(principal.actor === undefined ? {} : { act: { sub: principal.actor } }),
      ...(principal.investigation === undefined ? {} : { investigation: principal.investigation }),
    })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'JWT' })
      .setIssuer(this.issuer)
      .setSubject(principal.subject)
      .setAudience(audience)
      .setIssuedAt(now)
      .setExpirationTime(expiresAt)
      .sign(this.key);
    this.#cache.set(key, { token, expiresAt }, now);
    return token;
  }
}

/** Verifies tokens for one audience; a token that verified once is not verified again before it expires. */
export class TokenVerifier {
  readonly #cache = new TokenCache<{ identity: VerifiedIdentity; expiresAt: number }>();

  /** @param issuers - public key per accepted `iss`. */
  constructor(
    private readonly audience: string,
    private readonly issuers: ReadonlyMap<string, KeyObject>,
  ) {}

  /** @throws AuroraError `UNAUTHENTICATED` saying whether the token is expired or invalid, and nothing else. */
  async verify(token: string): Promise<VerifiedIdentity> {
    const now = nowSeconds();
    const cached = this.#cache.get(token);
    if (cached && cached.expiresAt > now) return cached.identity;
    try {
      const issuer = decodeJwt(token).iss;
      const key = issuer === undefined ? undefined : this.issuers.get(issuer);
      if (key === undefined || decodeProtectedHeader(token).alg !== 'EdDSA')
        throw new errors.JWTInvalid('unknown issuer or algorithm');
      const { payload } = await jwtVerify(token, key, {
        audience: this.audience,
        algorithms: ['EdDSA'],
        clockTolerance: 5,
        requiredClaims: ['exp', 'sub', 'tenant'],
      });
      const scope = typeof payload.scope === 'string' ? payload.scope : '';
      const act = payload.act as { sub?: unknown } | undefined;
      const principal = principalSchema.parse({
        tenant: payload.tenant,
        subject: payload.sub,
        kind: payload.kind,
        scopes: scope.split(' ').filter((name) => name !== ''),
        ...(act === undefined ? {} : { actor: act.sub }),
        ...(payload.investigation === undefined ? {} : { investigation: payload.investigation }),
      });
      const expiresAt = payload.exp ?? now;
      const identity = {
        principal,
        sessionExpiresAt: typeof payload.session_exp === 'number' ? payload.session_exp : expiresAt,
      };
      this.#cache.set(token, { identity, expiresAt }, now);
      return identity;
    } catch (error) {
      throw new AuroraError({
        code: 'UNAUTHENTICATED',
        publicMessage: error instanceof errors.JWTExpired ? 'The token is expired' : 'The token is not valid',
        cause: error,
      });
    }
  }
}

/** The token of an `Authorization: Bearer …` header or of a socket's `connectionParams.authorization`. */
export function bearerToken(authorization: unknown): string | undefined {
  if (typeof authorization !== 'string') return undefined;
  const match = /^Bearer ([\w.~+/=-]{1,4096})$/i.exec(authorization.trim());
  return match?.[1];
}
