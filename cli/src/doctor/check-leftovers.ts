/** Processes that an ended supervisor left behind. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { SiteHome } from '../home/site-home.js';
import { isAlive, type ProcessIdentity, processIdentitySchema } from '../services/process/process-identity.js';
import { isAbsent } from '../services/service-error.js';
import { type Finding, ok, warn } from './finding.js';

const recordSchema = z.object({ guard: processIdentitySchema, service: processIdentitySchema });

/** Every live process that the data folder has a record of. */
export function findRecordedProcesses({ runDir }: SiteHome): readonly ProcessIdentity[] {
  try {
    const files = readdirSync(runDir).filter((file) => file.endsWith('.json'));
    const records = files.map(
      (file) => recordSchema.safeParse(parseJson(readFileSync(join(runDir, file), 'utf8'))).data,
    );
    return records.flatMap((record) => (record === undefined ? [] : [record.guard, record.service])).filter(isAlive);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

export function checkLeftovers(recorded: readonly ProcessIdentity[], isSupervised: boolean): Finding {
  const pids = [...new Set(recorded.map(({ pid }) => pid))];
  if (isSupervised) return ok('processes', `${pids.length} run under a supervisor`);
  if (pids.length === 0) return ok('processes', 'none is left over');
  return warn('processes', `left over from an earlier run: ${pids.join(', ')}`, 'start again: the start ends them');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // torn
  }
}
