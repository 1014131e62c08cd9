/**
 * From what a client shows to who it is. Two kinds of bearer tokens are accepted: static API keys, and the short tokens
 * that the agents domain signs for a running investigation.
 */
import {
  type ApiKeyVerifier,
  bearerToken,
  isApiKey,
  type Principal,
  sharingKey,
  type TokenVerifier,
  type VerifiedIdentity,
} from '@aurorasoc/kit/auth';
import { AuroraError } from '@aurorasoc/kit/errors';

export interface Session {
  readonly principal: Principal;
  /** Equal for sessions that may share reads and subscriptions. */
  readonly sharing: string;
  /** Seconds since the epoch at which the session ends. */
  readonly expiresAt: number;
  /** False once the session is over, its key was revoked, or the key grants other rights than at the start. */
  isCurrent(): boolean;
}

export class Authenticator {
  constructor(
    private readonly apiKeys: ApiKeyVerifier,
    private readonly tokens: TokenVerifier,
  ) {}

  /**
   * @param authorization - an `Authorization` header, or a socket's `connectionParams.authorization`.
   * @throws AuroraError `UNAUTHENTICATED`.
   */
  async authenticate(authorization: unknown): Promise<Session> {
    const token = bearerToken(authorization);
    if (token === undefined) {
      throw new AuroraError({
        code: 'UNAUTHENTICATED',
        publicMessage: 'Send an API key as "Authorization: Bearer aurora_..."',
      });
    }
    if (isApiKey(token)) return this.#keySession(token);
    return sessionOf(await this.tokens.verify(token), () => true);
  }

  #keySession(token: string): Session {
    const identity = this.apiKeys.verify(token);
    const sharing = sharingKey(identity.principal);
    return sessionOf(identity, () => {
      try {
        return sharingKey(this.apiKeys.verify(token).principal) === sharing;
      } catch {
        // Revoked or expired.
        return false;
      }
    });
  }
}

function sessionOf({ principal, sessionExpiresAt }: VerifiedIdentity, isGranted: () => boolean): Session {
  return {
    principal,
    sharing: sharingKey(principal),
    expiresAt: sessionExpiresAt,
    isCurrent: () => sessionExpiresAt * 1000 > Date.now() && isGranted(),
  };
}
