export * from './domain.js';
export * from './environment.js';
export * from './program.js';
