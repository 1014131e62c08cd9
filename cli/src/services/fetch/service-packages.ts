/** The services that Debian and Ubuntu package, and how else people get them. */
export interface ServicePackage {
  readonly label: string;
  /** What apt is asked for; their dependencies come with them. */
  readonly packages: readonly string[];
  /** Where the binary lies under the unpacked packages. */
  readonly binaryPath: string;
  /** Arguments that make the binary print its version and end. Mosquitto knows no better than its help. */
  readonly versionArgs: readonly string[];
  /** The first group is the major version. */
  readonly versionPattern: RegExp;
  readonly minimumMajor: number;
  /** The environment variable that names a service of the user's own. */
  readonly urlVariable: string;
  /** A site can do without it when that variable is `off`. */
  readonly isOptional?: boolean;
  readonly brewFormula: string;
  readonly dockerArgs: string;
}

export const FETCHABLE_SERVICES = {
  redis: {
    label: 'Redis',
    packages: ['redis-server', 'redis-tools'],
    binaryPath: 'usr/bin/redis-server',
    versionArgs: ['--version'],
    versionPattern: /v=(\d+)\./,
    minimumMajor: 7,
    urlVariable: 'REDIS_URL',
    brewFormula: 'redis',
    dockerArgs: '-p 127.0.0.1:6379:6379 redis:7',
  },
  nats: {
    label: 'NATS',
    packages: ['nats-server'],
    binaryPath: 'usr/sbin/nats-server',
    versionArgs: ['--version'],
    versionPattern: /v?(\d+)\.\d+\.\d+/,
    minimumMajor: 2,
    urlVariable: 'NATS_URL',
    brewFormula: 'nats-server',
    dockerArgs: '-p 127.0.0.1:4222:4222 nats:2 -js',
  },
  mosquitto: {
    label: 'Mosquitto',
    packages: ['mosquitto'],
    binaryPath: 'usr/sbin/mosquitto',
    versionArgs: ['-h'],
    versionPattern: /mosquitto version (\d+)\./,
    minimumMajor: 2,
    urlVariable: 'MQTT_URL',
    isOptional: true,
    brewFormula: 'mosquitto',
    dockerArgs: '-p 127.0.0.1:1883:1883 eclipse-mosquitto:2',
  },
} as const satisfies Record<string, ServicePackage>;

export type FetchableService = keyof typeof FETCHABLE_SERVICES;
