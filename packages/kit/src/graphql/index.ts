export * from './batch.js';
export * from './build-schema.js';
export * from './connection.js';
export * from './errors.js';
export * from './rights.js';
export * from './server.js';
export * from './text.js';
export * from './time.js';
