/** What the gateway knows about one operation while it runs. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { newId } from '@aurorasoc/kit/ids';
import type { Session } from './auth/authenticator.js';

/** How long one operation may take, everything included; then what is still asked of subgraphs is cut off. */
export const OPERATION_DEADLINE_MS = 10_000;

export interface GatewayContext {
  readonly session: Session;
  /** Given back to the client in errors and in `x-request-id`, and passed on to subgraphs. */
  readonly requestId: string;
  /** Milliseconds since the epoch after which nobody waits for the answer any more. */
  readonly deadlineAt: number;
  /** The operation's server span; it gets its name once the operation is known. */
  readonly span?: OperationSpan;
}

export interface OperationSpan {
  updateName(name: string): unknown;
  setAttribute(key: string, value: string): unknown;
}

export function createContext(session: Session, requestId: string = newId()): GatewayContext {
  return { session, requestId, deadlineAt: Date.now() + OPERATION_DEADLINE_MS };
}

/**
 * The running operation's id. Errors are formatted in places that get no context (Apollo's `formatError`, refusals before
 * an operation exists); they find the id here.
 */
const requestIds = new AsyncLocalStorage<string>();

export function withRequestId<T>(requestId: string, work: () => T): T {
  return requestIds.run(requestId, work);
}

export function currentRequestId(): string | undefined {
  return requestIds.getStore();
}

const REQUEST_ID = /^[\w.:-]{1,128}$/;

/** A client's own id when it is harmless to log and to send on, else a new one. */
export function requestIdFrom(header: string | string[] | undefined): string {
  return typeof header === 'string' && REQUEST_ID.test(header) ? header : newId();
}
