export * from './contract.js';
export * from './erase-entries.js';
export * from './erase-rows.js';
export * from './erasure-sql.js';
export * from './tell-discarded.js';
export * from './tenant-eraser.js';
