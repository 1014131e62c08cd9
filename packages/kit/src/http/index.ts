export * from './body.js';
export * from './refuse.js';
