/** A started site: its processes, and the hands that tests and `aurora up` need on them. */

import type { ProfileName } from '@aurorasoc/kit/tenants';
import type { Variables } from '../environment.js';
import type { Profile } from '../home/credentials.js';
import { logFile, type SiteHome } from '../home/site-home.js';
import type { SiteState } from '../home/site-state.js';
import { roleEnvironment } from '../roles/role-environment.js';
import { healthUrlOf, type RoleDefinition, type SiteFacts } from '../roles/role-table.js';
import type { ServiceName, ServicePids } from '../services/index.js';
import { readProcessIdentity } from '../services/process/process-identity.js';
import { RoleProcess } from './role-process.js';
import type { SiteParts } from './site-parts.js';
import type { SiteServices } from './site-services.js';
import type { StateFile } from './state-file.js';

interface SiteFoundation {
  readonly home: SiteHome;
  readonly urls: SiteState['urls'];
  readonly profiles: Readonly<Record<ProfileName, Profile>>;
  readonly isFirstStart: boolean;
  readonly facts: SiteFacts;
  readonly parts: SiteParts;
  readonly variables: Variables;
  readonly services: SiteServices;
  readonly stateFile: StateFile;
  /** How long a role may answer nothing before it is killed and started again. */
  readonly hangMs: number;
  readonly log: (line: string) => void;
}

/** How long a role that is started by hand may need. */
const START_TIMEOUT_MS = 60_000;

export class Site {
  readonly home: SiteHome;
  /** Base URLs: `/graphql` of the gateway, `/v1/events` of ingest; syslog takes UDP on the same port, too. */
  readonly urls: SiteState['urls'];
  /** Tenant and token of each profile. */
  readonly profiles: Readonly<Record<ProfileName, Profile>>;
  /** True when this start made the credentials. */
  readonly isFirstStart: boolean;
  readonly #roles: ReadonlyMap<string, RoleProcess>;
  /** Names of the roles that take things in. */
  readonly #doors: ReadonlySet<string>;
  readonly #services: SiteServices;
  readonly #stateFile: StateFile;
  readonly #startedAt = new Date().toISOString();
  #stopping: Promise<void> | undefined;

  constructor({ facts, parts, variables, services, stateFile, hangMs, log, ...rest }: SiteFoundation) {
    this.home = rest.home;
    this.urls = rest.urls;
    this.profiles = rest.profiles;
    this.isFirstStart = rest.isFirstStart;
    this.#services = services;
    this.#stateFile = stateFile;
    const create = (role: RoleDefinition): RoleProcess => {
      const planned = facts.ports[role.name] ?? 0;
      return new RoleProcess({
        name: role.name,
        args: parts.argsFor(role),
        env: roleEnvironment(role, facts, variables),
        // What it listens on: a worker does so for its health alone.
        port: planned + (role.portOffsets[0] ?? 0),
        healthUrl: healthUrlOf(role, facts.host, planned),
        logPath: logFile(rest.home, role.name),
        runDir: rest.home.runDir,
        hangMs,
        log,
        onChange: () => stateFile.write(),
      });
    };
    this.#roles = new Map(parts.roles.map((role) => [role.name, create(role)]));
    this.#doors = new Set(parts.roles.filter(({ isDoor }) => isDoor).map(({ name }) => name));
    stateFile.begin(() => this.state);
  }

  get state(): SiteState {
    const supervisor = readProcessIdentity(process.pid);
    if (supervisor === undefined) throw new Error('This process cannot read its own start time');
    return {
      supervisor,
      startedAt: this.#startedAt,
      urls: this.urls,
      services: this.#services.states,
      roles: Object.fromEntries([...this.#roles].map(([name, role]) => [name, role.state])),
    };
  }

  /** Of what runs now; external services have none. */
  get pids(): {
    readonly roles: Readonly<Record<string, number>>;
    readonly services: Readonly<Partial<Record<ServiceName, ServicePids>>>;
  } {
    const running = [...this.#roles].flatMap(([name, { pid }]) => (pid === undefined ? [] : [[name, pid] as const]));
    return { roles: Object.fromEntries(running), services: this.#services.pids };
  }

  /** Starts all roles at the same time. The first that does not come up interrupts the others; its error is thrown. */
  async startRoles(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const failure = new AbortController();
    const interrupt = signal === undefined ? failure.signal : AbortSignal.any([signal, failure.signal]);
    const starts = [...this.#roles.values()].map((role) =>
      role.start(timeoutMs, interrupt).catch((error: unknown) => failure.abort(error)),
    );
    await Promise.all(starts);
    if (failure.signal.aborted) throw failure.signal.reason;
  }

  /** Drains a role and keeps it down until it is started. */
  stopRole(name: string): Promise<void> {
    return this.#role(name).stop();
  }

  /** Resolves when the role is ready. */
  startRole(name: string): Promise<void> {
    return this.#role(name).start(START_TIMEOUT_MS);
  }

  /** Signals a role as a fault would; when it ends of it, it is started again. */
  killRole(name: string, signal: NodeJS.Signals): void {
    this.#role(name).kill(signal);
  }

  /** Where a service is, with its administrator's credentials. */
  serviceUrl(name: ServiceName): string {
    return this.#services.url(name);
  }

  stopService(name: ServiceName): Promise<void> {
    return this.#services.stopOne(name);
  }

  /** Resolves when the service serves, on its former port and data. */
  startService(name: ServiceName): Promise<void> {
    return this.#services.startOne(name);
  }

  /** Signals a service as a fault would; when it ends of it, it is started again. */
  killService(name: ServiceName, signal: NodeJS.Signals): void {
    this.#services.kill(name, signal);
  }

  /** Drains the doors first, so that nothing new comes in, then the other roles, then ends the services. Can be called again. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    const isDoor = ([name]: readonly [string, RoleProcess]): boolean => this.#doors.has(name);
    const roles = [...this.#roles];
    await Promise.all(roles.filter(isDoor).map(([, role]) => role.stop()));
    await Promise.all(roles.map(([, role]) => role.stop()));
    // While the folder is still ours: a moment later the file may be the next supervisor's.
    this.#stateFile.remove();
    await this.#services.stop();
  }

  #role(name: string): RoleProcess {
    const role = this.#roles.get(name);
    if (role === undefined)
      throw new RangeError(`${name} is no role of this site; roles are ${[...this.#roles.keys()].join(', ')}`);
    return role;
  }
}
