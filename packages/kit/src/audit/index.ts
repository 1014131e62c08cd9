export * from './audit-log-sql.js';
export * from './merkle.js';
export * from './verify-log.js';
