export * from './event.js';
export * from './event-log-sql.js';
export * from './find-position.js';
export * from './publisher.js';
export * from './record-event.js';
export { eventStream } from './relay.js';
