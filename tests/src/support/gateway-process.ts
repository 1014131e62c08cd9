/** The gateway's process as it is seen from beside it. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { RunningSite } from './site.js';

/** Memory that the role's process holds now, bytes; 0 while there is none. */
export function residentBytes({ site }: RunningSite, role: string): number {
  const [, kibibytes = '0'] = /^VmRSS:\s+(\d+) kB/m.exec(readStatus(site.pids.roles[role])) ?? [];
  return Number(kibibytes) * 1_024;
}

function readStatus(pid: number | undefined): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return ''; // it has ended meanwhile
  }
}

export async function gatewayMetric({ urls }: Pick<RunningSite, 'urls'>, name: string): Promise<number> {
  const text = await (await fetch(`${urls.gateway}/metrics`)).text();
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)`, 'm').exec(text)?.[1] ?? Number.NaN);
}

/** Subscriptions that the gateway holds open at subgraphs. */
export function upstreams(site: Pick<RunningSite, 'urls'>): Promise<number> {
  return gatewayMetric(site, 'aurora_ws_upstreams');
}

interface TcpSocket {
  readonly localPort: number;
  readonly remotePort: number;
  readonly state: string;
}

/** `st` of proc(5), `/proc/net/tcp`. */
const ESTABLISHED = '01';
const LISTEN = '0A';

/**
 * The gateway's connections to a subgraph, as the kernel has them: one for each subscription there, and those of queries until some
 * seconds after the last.
 */
export function connectionsTo({ site }: RunningSite, subgraph: string): number {
  const ports = tcpSocketsOf(site.pids.roles[subgraph])
    .filter(({ state }) => state === LISTEN)
    .map(({ localPort }) => localPort);
  return tcpSocketsOf(site.pids.roles.gateway).filter(
    ({ state, remotePort }) => state === ESTABLISHED && ports.includes(remotePort),
  ).length;
}

function tcpSocketsOf(pid: number | undefined): TcpSocket[] {
  if (pid === undefined) return [];
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap(
      (fd) => /^socket:\[(\d+)\]$/.exec(tryReadLink(`/proc/${pid}/fd/${fd}`))?.[1] ?? [],
    ),
  );
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((columns) => inodes.has(columns[9] ?? ''))
      .map(([, local = '', remote = '', state = '']) => ({
        localPort: Number.parseInt(local.split(':')[1] ?? '', 16),
        remotePort: Number.parseInt(remote.split(':')[1] ?? '', 16),
        state,
      })),
  );
}

function tryReadLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed meanwhile
  }
}
