/**
 * The containers of docker-compose.yml as processes of this machine, by the same commands and variables. Each service has a
 * loopback address of its own, as it has in its network, so that every port is the one that the file and the code agree on;
 * only names are replaced: of hosts by these addresses, of the image's folders by ones of this machine.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { type ComposeService, environmentOf, imageEnvironment, REPOSITORY, type Variables } from './compose.js';
import { basicVariables } from './environment.js';

export interface Places {
  /** In place of the image's AURORA_HOME. */
  readonly home: string;
  /** With a login that may create roles. */
  readonly postgresUrl: string;
  readonly redisUrl: string;
  readonly mqttUrl: string;
}

/** Longer than draining may take. */
const ENDS_WITHIN_MS = 60_000;

/** Of what a signal ended there is no exit code. */
function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

export class ComposeProcesses {
  /** Of this run alone: others may run on the same machine. */
  readonly #network = `127.${randomInt(1, 255)}.${randomInt(0, 256)}`;
  readonly #names: readonly string[];
  readonly #running = new Map<string, { child: ChildProcess; output: string }>();

  constructor(
    private readonly services: Readonly<Record<string, ComposeService>>,
    private readonly places: Places,
  ) {
    this.#names = Object.keys(services);
  }

  addressOf(service: string): string {
    return `${this.#network}.${this.#names.indexOf(service) + 1}`;
  }

  /** Runs a service that ends by itself, or another command in its place, and resolves to what it printed. */
  async run(service: string, command = this.#serviceOf(service).command ?? []): Promise<string> {
    const { stdout } = await promisify(execFile)(process.execPath, [...this.#entrypoint(), ...command], {
      env: this.#environmentOf(service),
      cwd: REPOSITORY,
      timeout: ENDS_WITHIN_MS,
      killSignal: 'SIGKILL',
    });
    return stdout;
  }

  start(service: string): void {
    const { command = [] } = this.#serviceOf(service);
    const child = spawn(process.execPath, [...this.#entrypoint(), ...command], {
      // Tied to this process: what outlives a broken test run would hold the ports.
      env: { ...this.#environmentOf(service), AURORA_SUPERVISED: '1' },
      cwd: REPOSITORY,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const running = { child, output: '' };
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        running.output = `${running.output}${chunk}`.slice(-4_000);
      });
    this.#running.set(service, running);
  }

  /** Whether a service says at the address of its health check that it is ready. @throws Error when it has ended instead. */
  async isReady(service: string): Promise<boolean> {
    const { child, output } = this.#running.get(service) ?? {};
    if (child === undefined) throw new Error(`${service} was not started`);
    if (hasEnded(child)) throw new Error(`${service} has ended by ${child.signalCode ?? child.exitCode}: ${output}`);
    const [url] = this.#healthCheckOf(service).slice(-1);
    return fetch(`${url}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
  }

  /** Runs the health check of a service as Docker would. @throws Error with what it printed, unless its exit code is 0. */
  async checkHealth(service: string): Promise<void> {
    await promisify(execFile)(process.execPath, this.#healthCheckOf(service), {
      env: basicVariables(),
      timeout: ENDS_WITHIN_MS,
      killSignal: 'SIGKILL',
    });
  }

  /** Ends everything by SIGTERM, as `docker compose down`. @returns the exit code of each; null of what had to be killed. */
  async stop(): Promise<Readonly<Record<string, number | null>>> {
    const codes = [...this.#running].map(async ([service, { child }]) => {
      if (!hasEnded(child)) {
        const ended = once(child, 'exit');
        child.kill('SIGTERM');
        const killing = setTimeout(() => child.kill('SIGKILL'), ENDS_WITHIN_MS);
        await ended;
        clearTimeout(killing);
      }
      return [service, child.exitCode] as const;
    });
    this.#running.clear();
    return Object.fromEntries(await Promise.all(codes));
  }

  /** Arguments of Node. */
  #healthCheckOf(service: string): readonly string[] {
    const [, program, ...args] = this.#serviceOf(service).healthcheck?.test ?? [];
    if (program !== 'node') throw new Error(`${service} is asked for its health by ${program}, which is not here`);
    return args.map((arg) => this.#localize(arg, service).replaceAll('127.0.0.1', this.addressOf(service)));
  }

  #serviceOf(name: string): ComposeService {
    const service = this.services[name];
    if (service === undefined) throw new Error(`There is no service ${name}`);
    return service;
  }

  #entrypoint(): readonly string[] {
    return [`${REPOSITORY}cli/dist/bin.js`];
  }

  #environmentOf(service: string): Variables {
    const given = Object.entries({ ...imageEnvironment(), ...environmentOf(this.#serviceOf(service)) });
    return {
      ...basicVariables(),
      ...Object.fromEntries(given.map(([name, value]) => [name, this.#localize(value, service)])),
    };
  }

  #localize(value: string, service: string): string {
    if (value === '0.0.0.0') return this.addressOf(service);
    if (this.#names.includes(value)) return this.addressOf(value);
    return value
      .replaceAll('/var/lib/aurora', this.places.home)
      .replaceAll('/app/', REPOSITORY)
      .replaceAll(/(?<protocol>[a-z]+:\/\/)(?<login>[^\s,@/]*@)?(?<host>[\w-]+)(?<rest>[^\s,]*)/g, (...match) => {
        const { protocol, login = '', host, rest } = match.at(-1) as Record<string, string>;
        if (host === 'redis') return this.places.redisUrl;
        if (host === 'mosquitto') return this.places.mqttUrl;
        if (host === 'postgres') return this.#databaseUrl(login !== '');
        return host !== undefined && this.#names.includes(host)
          ? `${protocol}${this.addressOf(host)}${rest}`
          : match[0];
      });
  }

  #databaseUrl(withLogin: boolean): string {
    const url = new URL(this.places.postgresUrl);
    if (!withLogin) {
      url.username = '';
      url.password = '';
    }
    return url.href;
  }
}
