/** The identity that subgraphs see: a token of 30 s, signed by the gateway for one principal and one subgraph. */
import type { TokenSigner } from '@aurorasoc/kit/auth';
import type { Session } from './authenticator.js';

export const INTERNAL_TOKEN_SECONDS = 30;

export type SignFor = (subgraph: string, session: Session) => Promise<string>;

/** @returns a function that gives the `Authorization` value for one subgraph. */
export function signWith(signer: TokenSigner): SignFor {
  return async (subgraph, session) => `Bearer ${await signer.sign(session.principal, subgraph, session.expiresAt)}`;
}
