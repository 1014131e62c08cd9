export * from './domain.js';
export * from './environment.js';
