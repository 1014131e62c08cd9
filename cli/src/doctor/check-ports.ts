/** Who has the ports that the roles want. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { TASK_METRICS_PORT } from '@aurorasoc/agents/environment';
import type { SiteEnvironment, Variables } from '../environment.js';
import { type PortGroup, type PortVariable, portGroups, siteRoles } from '../roles/role-table.js';
import { isPortFree } from '../services/data-folder/ports.js';
import { findTaken } from '../supervisor/plan-ports.js';
import { type Finding, fail, ok, warn } from './finding.js';

/** Of an installation that does not run. @param variables - those that roles inherit. */
export function checkPorts(environment: SiteEnvironment, variables: Variables): Promise<readonly Finding[]> {
  if (environment.AURORA_PORTS === 'auto') return Promise.resolve([ok('ports', 'chosen freely (AURORA_PORTS=auto)')]);
  const roles = siteRoles(environment.AURORA_WORKER_REPLICAS);
  return Promise.all([
    ...portGroups(roles).flatMap((group) => {
      if (group.portVariable === undefined) return [];
      const first = environment[group.portVariable];
      return first === 'off' ? [] : [checkGroup(group, group.portVariable, first, environment.HOST)];
    }),
    checkTaskMetrics(variables),
  ]);
}

/** A further door to what the agents' health port has, too: the site runs without it. */
async function checkTaskMetrics({ AGENT_TASK_WORKER_METRICS_PORT: given }: Variables): Promise<Finding> {
  const name = 'task metrics';
  const port = given === undefined || given === '' ? TASK_METRICS_PORT : Number(given);
  if (port === 0) return ok(name, 'on the health port of agents alone');
  if (await isPortFree(port)) return ok(name, `${port} free`);
  return warn(
    name,
    `${port} is taken by ${nameHolder(port)}, so they are on the health port of agents alone`,
    'scrape that, or choose another with AGENT_TASK_WORKER_METRICS_PORT=<port>; 0 for none',
  );
}

async function checkGroup(group: PortGroup, portVariable: PortVariable, first: number, host: string): Promise<Finding> {
  const name = `ports of ${group.name}`;
  const [taken] = await findTaken(group, first, host);
  if (taken === undefined) return ok(name, `${group.portOffsets.map((offset) => first + offset).join(', ')} free`);
  return fail(
    name,
    `${taken.port} is taken by ${nameHolder(taken.port, group.takesUdp ? [...TCP, ...UDP] : TCP)}`,
    `choose another with ${portVariable}=<port>, or all freely with AURORA_PORTS=auto; end the program only if nobody needs it`,
  );
}

interface SocketTable {
  readonly file: string;
  /** Of a socket that waits for others: listening for TCP; UDP knows no such thing, it is the one of all without a peer. */
  readonly state: string;
}

const TCP: readonly SocketTable[] = ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => ({ file, state: '0A' }));
const UDP: readonly SocketTable[] = ['/proc/net/udp', '/proc/net/udp6'].map((file) => ({ file, state: '07' }));

function nameHolder(port: number, tables = TCP): string {
  const holder = findHolder(port, tables);
  return holder === undefined ? 'another program' : `${holder.name} (process ${holder.pid})`;
}

/** The process that has `port`, as far as /proc tells this user. */
function findHolder(port: number, tables: readonly SocketTable[]): { pid: number; name: string } | undefined {
  if (process.platform !== 'linux') return undefined;
  const wanted = new Set(tables.flatMap((table) => waitingInodes(table, port)));
  if (wanted.size === 0) return undefined;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (!socketInodes(pid).some((inode) => wanted.has(inode))) continue;
    const name = readName(pid);
    if (name !== undefined) return { pid: Number(pid), name };
  }
  return undefined;
}

function readName(pid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return undefined; // it ended meanwhile
  }
}

/** Columns by proc_pid_net(5): local address 1, state 3, inode 9. */
function waitingInodes({ file, state: wanted }: SocketTable, port: number): string[] {
  if (!existsSync(file)) return []; // a host without IPv6
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .flatMap(([, local, , state, , , , , , inode]) =>
      state === wanted && local?.endsWith(suffix) && inode !== undefined ? [inode] : [],
    );
}

function socketInodes(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap(
      (fd) => /^socket:\[(\d+)\]$/.exec(readLink(`/proc/${pid}/fd/${fd}`))?.[1] ?? [],
    );
  } catch {
    return []; // it ended meanwhile, or belongs to somebody else
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed meanwhile
  }
}
