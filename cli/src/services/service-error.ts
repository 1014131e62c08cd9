import { AuroraError } from '@aurorasoc/kit/errors';

export type ServiceErrorCode =
  /** No usable binary here and no apt-get to fetch one with. */
  | 'PACKAGE_MANAGER_MISSING'
  /** The packages could not be downloaded, verified or unpacked; the message says which of these. */
  | 'FETCH_FAILED'
  /** The npm package with PostgreSQL's binaries is absent for this platform, or was installed without its scripts. */
  | 'POSTGRES_PACKAGE_BROKEN'
  /** PostgreSQL refuses to run as root and no other identity can reach its files. */
  | 'RUN_AS_IMPOSSIBLE'
  /** The port a running installation depends on now belongs to another program. */
  | 'PORT_TAKEN'
  /** No port is free in the range that ports are chosen from, or no choice can be kept from being made twice. */
  | 'PORTS_UNAVAILABLE'
  /** Another live supervisor uses the data folder. */
  | 'DATA_DIR_LOCKED'
  /** The data folder was written by another major version. */
  | 'DATA_DIR_VERSION'
  /** The data folder cannot be written, or lacks a part that cannot be made again. */
  | 'DATA_DIR_UNUSABLE'
  /** The service ended; the message carries the last lines of its log. */
  | 'SERVICE_DIED'
  /** The service runs but did not accept a connection in time. */
  | 'SERVICE_NOT_READY';

/** What can go wrong with the embedded services. Each message is one clear statement and what to do about it. */
export class ServiceError extends AuroraError {
  declare readonly code: ServiceErrorCode;

  constructor(code: ServiceErrorCode, publicMessage: string, options: { cause?: unknown } = {}) {
    super({ code, publicMessage, ...options });
  }
}

/** True when `error` is a system error with one of `codes`, for example `ENOENT`. */
export function hasErrorCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);
}

/** True when a file could not be opened since it, or a folder on the way there, does not exist. */
export function isAbsent(error: unknown): boolean {
  return hasErrorCode(error, 'ENOENT', 'ENOTDIR');
}
