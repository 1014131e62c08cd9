export * from './cursor.js';
export * from './event-tail.js';
export * from './live-change.js';
export * from './live-field.js';
export * from './live-items.js';
export * from './types.js';
