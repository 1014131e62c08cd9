/** Domain events of `devices`; consumers decode them by their own narrower schemas. */
import { discardedSchema } from '@aurorasoc/kit/erasure';
import { z } from 'zod';

export const connectionSchema = z.enum(['UNKNOWN', 'ONLINE', 'OFFLINE']);

const deviceFacts = z.object({
  name: z.string(),
  model: z.string(),
  firmwareVersion: z.string(),
  connection: connectionSchema,
  isQuarantined: z.boolean(),
});

export const devicesEvents = {
  /** Subject: the device. */
  'device.enrolled': deviceFacts,
  /** Subject: the device. `changed` names the fields. */
  'device.updated': deviceFacts.extend({ changed: z.array(z.string()) }),
  /** Subject: the device. */
  'device.quarantined': deviceFacts,
  /** Subject: the batch. It is durable, in whatever form `outcome` says; routed to the stream that ingest reads. Repeated when the batch is. */
  'telemetry.stored': z.object({ outcome: z.string() }),
  /** Subject: the discarding. The batch's tenant was erased, so it is kept nowhere and need not be sent again; routed likewise. */
  'telemetry.discarded': discardedSchema,
  /** Subject: see {@link telemetrySubject}. Samples that were not there before; the samples themselves are in their table. */
  'telemetry.recorded': z.object({ sequences: z.array(z.number().int()).min(1), metrics: z.array(z.string()) }),
} as const;
export type DevicesEvents = typeof devicesEvents;

/** Stream on which this domain tells ingest what is durable. */
export const ACKNOWLEDGEMENTS = 'aurora:devices:acknowledgements';

/** A device's telemetry as a subject of events, apart from the device itself, whose versions are those of its changes. */
export function telemetrySubject(deviceId: string): string {
  return `${deviceId}/telemetry`;
}
