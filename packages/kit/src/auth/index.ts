export * from './api-keys.js';
export * from './principal.js';
export * from './tokens.js';
