/** In which lanes entries of the task stream say that there is work. */
import type { StreamEntry } from '@aurorasoc/kit/streams';
import { z } from 'zod';
import { findAgent, LANES, type Lane } from '../agent/agent-registry.js';

const bodySchema = z.object({ data: z.object({ agent: z.string() }) });

/** Every lane where an entry does not say, as one that cannot be read: looking costs a query, not looking a second. */
export function requestedLanes(entries: readonly StreamEntry[]): readonly Lane[] {
  const lanes = new Set(entries.map(laneOf));
  return LANES.filter((lane) => lanes.has(lane) || lanes.has(undefined));
}

function laneOf({ fields }: StreamEntry): Lane | undefined {
  try {
    return findAgent(bodySchema.parse(JSON.parse(fields.get('body') ?? '')).data.agent)?.lane;
  } catch {
    return undefined;
  }
}
