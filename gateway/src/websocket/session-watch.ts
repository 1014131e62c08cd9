/** Closes sockets whose session is over: at its end to the second, after a revocation within the interval. */
import type { Session } from '../auth/authenticator.js';

/**
 * "Forbidden" of graphql-ws. Its clients reconnect after 4403, asking their `connectionParams` function for a new token;
 * 4401 is fatal for them, and a renewed token would never be tried.
 */
export const FORBIDDEN = 4403;
/** `setTimeout` takes no more. */
const MAX_TIMER_MS = 2 ** 31 - 1;

type Close = (code: number, reason: string) => void;

export class SessionWatch {
  /** Keyed by the socket. */
  readonly #watched = new Map<object, { session: Session; expiry: NodeJS.Timeout; close: Close }>();
  readonly #interval: NodeJS.Timeout;

  /** @param recheckMs - how long after a revocation a socket may stay open. */
  constructor(recheckMs: number) {
    this.#interval = setInterval(() => this.#recheck(), recheckMs);
    this.#interval.unref();
  }

  add(socket: object, session: Session, close: Close): void {
    const remainingMs = Math.min(MAX_TIMER_MS, Math.max(0, session.expiresAt * 1000 - Date.now()));
    const expiry = setTimeout(() => close(FORBIDDEN, 'Session ended'), remainingMs);
    this.#watched.set(socket, { session, expiry, close });
  }

  remove(socket: object): void {
    clearTimeout(this.#watched.get(socket)?.expiry);
    this.#watched.delete(socket);
  }

  stop(): void {
    clearInterval(this.#interval);
    for (const socket of this.#watched.keys()) this.remove(socket);
  }

  #recheck(): void {
    for (const { session, close } of this.#watched.values())
      if (!session.isCurrent()) close(FORBIDDEN, 'Session ended');
  }
}
