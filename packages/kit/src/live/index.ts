export * from './cursor.js';
export * from './event-tail.js';
export * from './live-items.js';
export * from './types.js';
