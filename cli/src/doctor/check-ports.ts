/** Who has the ports that the roles want. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { SiteEnvironment } from '../environment.js';
import { type PortGroup, type PortVariable, portGroups, siteRoles } from '../roles/role-table.js';
import { isPortFree } from '../services/data-folder/ports.js';
import { type Finding, fail, ok } from './finding.js';

/** Of an installation that does not run. */
export function checkPorts(environment: SiteEnvironment): Promise<readonly Finding[]> {
  if (environment.AURORA_PORTS === 'auto') return Promise.resolve([ok('ports', 'chosen freely (AURORA_PORTS=auto)')]);
  const roles = siteRoles(environment.AURORA_WORKER_REPLICAS);
  return Promise.all(
    portGroups(roles).flatMap((group) => {
      if (group.portVariable === undefined) return [];
      const first = environment[group.portVariable];
      return first === 'off' ? [] : [checkGroup(group, group.portVariable, first)];
    }),
  );
}

async function checkGroup(group: PortGroup, portVariable: PortVariable, first: number): Promise<Finding> {
  const ports = group.portOffsets.map((offset) => first + offset);
  const name = `ports of ${group.name}`;
  for (const port of ports) {
    if (await isPortFree(port)) continue;
    const holder = findListener(port);
    const who = holder === undefined ? 'another program' : `${holder.name} (process ${holder.pid})`;
    return fail(
      name,
      `${port} is taken by ${who}`,
      `choose another with ${portVariable}=<port>, or all freely with AURORA_PORTS=auto; end the program only if nobody needs it`,
    );
  }
  return ok(name, `${ports.join(', ')} free`);
}

const LISTEN_STATE = '0A';

/** The process that listens on `port`, as far as /proc tells this user. */
function findListener(port: number): { pid: number; name: string } | undefined {
  if (process.platform !== 'linux') return undefined;
  const wanted = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeningInodes(table, port)));
  if (wanted.size === 0) return undefined;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (socketInodes(pid).some((inode) => wanted.has(inode))) {
      return { pid: Number(pid), name: readFileSync(`/proc/${pid}/comm`, 'utf8').trim() };
    }
  }
  return undefined;
}

/** Columns by proc_pid_net(5): local address 1, state 3, inode 9. */
function listeningInodes(table: string, port: number): string[] {
  if (!existsSync(table)) return []; // a host without IPv6
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return readFileSync(table, 'utf8')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .flatMap(([, local, , state, , , , , , inode]) =>
      state === LISTEN_STATE && local?.endsWith(suffix) && inode !== undefined ? [inode] : [],
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
