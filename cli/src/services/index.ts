/**
 * The embedded services: PostgreSQL, Redis and Mosquitto that `aurora up` and the tests start for themselves when the environment names
 * none. See README.md for what lies where and what happens when something is killed.
 */
export { defaultCacheDir, serviceEnvironment } from './environment.js';
export { findServiceBinary } from './fetch/find-service-binary.js';
export type { ServicePids } from './managed-service.js';
export { SERVICE_NAMES, type ServiceName } from './prepared-service.js';
export { ServiceError, type ServiceErrorCode } from './service-error.js';
export { type RunningServices, type ServiceEndpoint, type ServicesOptions, startServices } from './start-services.js';
