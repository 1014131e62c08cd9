/** What a request line asks for. Clients can write anything there, and a listener that throws ends the process. */
import type { IncomingMessage } from 'node:http';

export interface RequestTarget {
  readonly path: string;
  /** With its question mark; empty without a query. */
  readonly search: string;
}

/** @returns undefined for a target that is no URL, such as `//`. */
export function targetOf(request: IncomingMessage): RequestTarget | undefined {
  const url = URL.parse(request.url ?? '/', 'http://gateway');
  return url === null ? undefined : { path: url.pathname, search: url.search };
}
