export * from './array-literal.js';
export * from './database.js';
export * from './execute-bound.js';
export * from './migrate.js';
export * from './roles.js';
export * from './tenant-table.js';
