/** Processes that an ended supervisor left behind. */
import type { ProcessIdentity } from '../services/process/process-identity.js';
import { type Finding, ok, warn } from './finding.js';

/** @param recorded - every live process that the data folder has a record of. */
export function checkLeftovers(recorded: readonly ProcessIdentity[], isSupervised: boolean): Finding {
  const pids = [...new Set(recorded.map(({ pid }) => pid))];
  if (isSupervised) return ok('processes', `${pids.length} run under a supervisor`);
  if (pids.length === 0) return ok('processes', 'none is left over');
  return warn('processes', `left over from an earlier run: ${pids.join(', ')}`, 'start again: the start ends them');
}
