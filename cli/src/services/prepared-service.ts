import type { GuardedCommand } from './process/guard.js';

export const SERVICE_NAMES = ['postgres', 'redis', 'mosquitto'] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

/** A service whose binary is found and whose data folder is ready: what is left is to start it on a port. */
export interface PreparedService {
  readonly name: ServiceName;
  /** Writes what depends on the port and returns how to start the service there. */
  configure(port: number): GuardedCommand;
  /** With the credentials of the service's superuser. */
  url(port: number): string;
  /** True once the service, and no other program on its port, serves a connection. */
  isReady(port: number): Promise<boolean>;
  /**
   * Clears away what made a start fail, as far as `log`, its last lines, tells.
   * @returns true when trying again shortly can help.
   */
  clearWay(log: string): Promise<boolean>;
}

/** What every service is prepared from. */
export interface ServiceContext {
  /** `<dataDir>/<name>`: the service's own folder; created by its preparation. */
  readonly home: string;
  readonly passwordFile: string;
  /** False: no fsync anywhere. A power cut then loses data, the end of a process does not. */
  readonly durable: boolean;
  readonly source: 'auto' | 'fetch';
  readonly cacheDir: string;
  readonly log: (line: string) => void;
  /** Interrupts the preparation. */
  readonly signal?: AbortSignal | undefined;
}
