/**
 * A client of the graph: queries and mutations over HTTP, live fields over WebSocket with resuming by cursor. Used by the
 * commands, by tests and by whoever scripts AuroraSOC in TypeScript.
 */
export { type ClientOptions, createClient, type GraphClient, type GraphResult } from './create-client.js';
export type { FollowOptions } from './follow.js';
export { GraphRequestError, type PublicError } from './graph-request-error.js';
export type { Variables } from './post-operation.js';
