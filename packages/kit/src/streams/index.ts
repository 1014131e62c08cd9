export * from './consumer.js';
export * from './dead-letters.js';
export * from './entry.js';
export * from './entry-filter.js';
export * from './groups.js';
export * from './inbox.js';
export * from './redis.js';
export * from './trim-stream.js';
