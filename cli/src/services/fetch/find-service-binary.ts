import { basename } from 'node:path';
import { fetchService } from './fetch-service.js';
import { findOnPath, isNewEnough, type ServiceBinary } from './service-binary.js';
import { FETCHABLE_SERVICES, type FetchableService } from './service-packages.js';

/** A binary of the host, with what it says of itself. */
export interface HostBinary {
  readonly path: string;
  /** New enough, and it runs. */
  readonly isUsable: boolean;
}

export interface BinarySource {
  /** `auto`: the binary on PATH when it is new enough, else a fetched one. `fetch`: always a fetched one. */
  readonly source: 'auto' | 'fetch';
  readonly cacheDir: string;
  readonly log: (line: string) => void;
  /** Interrupts a fetch. */
  readonly signal?: AbortSignal | undefined;
}

/** @throws ServiceError `PACKAGE_MANAGER_MISSING`, `FETCH_FAILED`; AuroraError `INTERRUPTED` */
export async function findServiceBinary(
  service: FetchableService,
  { source, cacheDir, log, signal }: BinarySource,
): Promise<ServiceBinary> {
  const onPath = source === 'auto' ? await findHostBinary(service) : undefined;
  if (onPath?.isUsable) return { binary: onPath.path, libraryPath: [] };
  if (onPath !== undefined) {
    const { label, minimumMajor } = FETCHABLE_SERVICES[service];
    log(`${onPath.path} is not ${label} ${minimumMajor} or newer; using a fetched one`);
  }
  return fetchService(service, cacheDir, log, signal);
}

/** The first binary of the service on PATH. */
export async function findHostBinary(service: FetchableService): Promise<HostBinary | undefined> {
  const wanted = FETCHABLE_SERVICES[service];
  const path = findOnPath(basename(wanted.binaryPath));
  if (path === undefined) return undefined;
  return { path, isUsable: await isNewEnough({ binary: path, libraryPath: [] }, wanted) };
}
