import { basename } from 'node:path';
import { fetchService } from './fetch-service.js';
import { findOnPath, readMajorVersion, type ServiceBinary } from './service-binary.js';
import { FETCHABLE_SERVICES, type FetchableService } from './service-packages.js';

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
  const wanted = FETCHABLE_SERVICES[service];
  const onPath = source === 'auto' ? findOnPath(basename(wanted.binaryPath)) : undefined;
  if (onPath !== undefined) {
    const binary = { binary: onPath, libraryPath: [] };
    const major = await readMajorVersion(binary, wanted);
    if (major !== undefined && major >= wanted.minimumMajor) return binary;
    log(`${onPath} is not ${wanted.label} ${wanted.minimumMajor} or newer; using a fetched one`);
  }
  return fetchService(service, cacheDir, log, signal);
}
