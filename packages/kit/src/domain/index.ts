export * from './context.js';
export * from './domain.js';
export * from './environment.js';
export * from './program.js';
export * from './tenant-entity.js';
