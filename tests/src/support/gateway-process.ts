/** The gateway's process as it is seen from beside it. */
import { readFileSync } from 'node:fs';
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
