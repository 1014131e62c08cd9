/** The fleet answers nobody without a token: neither with a card nor with work. */

import type { KeyObject } from 'node:crypto';
import type { User } from '@a2a-js/sdk/server';
import { bearerToken, type Principal, TokenVerifier, type VerifiedIdentity } from '@aurorasoc/kit/auth';
import { AuroraError } from '@aurorasoc/kit/errors';
import type { Request, RequestHandler, Response } from 'express';
import { GATEWAY_TOKEN_HEADER } from '../a2a/contract.js';
import { TOKEN_ISSUER } from '../task/agent-tokens.js';

/** Who calls, and with what the agent's tools may ask the gateway. */
export class Caller implements User {
  readonly isAuthenticated = true;

  constructor(
    readonly principal: Principal,
    /** Undefined when the call brought none, as probes do. */
    readonly gatewayToken: string | undefined,
    readonly traceparent: string | undefined,
    /** Aborted when the caller has gone away. */
    readonly signal: AbortSignal,
  ) {}

  get userName(): string {
    return `${this.principal.tenant}/${this.principal.subject}`;
  }
}

export class FleetGuard {
  readonly #fleet: TokenVerifier;
  readonly #gateway: TokenVerifier;

  /** @param publicKey - of the agents domain, which signs both tokens. */
  constructor(publicKey: KeyObject) {
    const issuers = new Map([[TOKEN_ISSUER, publicKey]]);
    this.#fleet = new TokenVerifier('fleet', issuers);
    this.#gateway = new TokenVerifier('gateway', issuers);
  }

  /** To stand before every route of an agent's server. */
  readonly requireCaller: RequestHandler = async (request, response, next) => {
    try {
      response.locals.caller = await this.#identify(request, response);
    } catch (error) {
      const message = error instanceof AuroraError ? error.publicMessage : 'The token is not valid';
      response.status(401).json({ error: { code: 'UNAUTHENTICATED', message } });
      return;
    }
    next();
  };

  async #identify(request: Request, response: Response): Promise<Caller> {
    const token = bearerToken(request.headers.authorization);
    if (token === undefined)
      throw new AuroraError({ code: 'UNAUTHENTICATED', publicMessage: 'A token of the agents domain is required' });
    const { principal } = await this.#fleet.verify(token);
    const gatewayToken = headerOf(request, GATEWAY_TOKEN_HEADER);
    if (gatewayToken !== undefined) assertSameCaller(principal, await this.#gateway.verify(gatewayToken));
    const gone = new AbortController();
    response.on('close', () => response.writableFinished || gone.abort(new Error('the caller has gone away')));
    return new Caller(principal, gatewayToken, headerOf(request, 'traceparent'), gone.signal);
  }
}

/** The caller that {@link FleetGuard.requireCaller} let through. */
export function callerOf(request: Request): Caller {
  const caller: unknown = request.res?.locals.caller;
  if (!(caller instanceof Caller)) throw new Error('a request came past the guard');
  return caller;
}

function assertSameCaller(principal: Principal, { principal: other }: VerifiedIdentity): void {
  const isSame =
    principal.tenant === other.tenant &&
    principal.subject === other.subject &&
    principal.actor === other.actor &&
    principal.investigation === other.investigation;
  if (!isSame)
    throw new AuroraError({
      code: 'UNAUTHENTICATED',
      publicMessage: 'The two tokens of the call belong to different callers',
    });
}

function headerOf(request: Request, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
