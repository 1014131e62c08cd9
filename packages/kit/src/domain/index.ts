export * from './context.js';
export * from './domain.js';
export * from './environment.js';
export * from './program.js';
export * from './schema-gate.js';
export * from './tenant-entity.js';
