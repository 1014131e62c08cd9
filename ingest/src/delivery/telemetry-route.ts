/** Messages of devices on their way to the domain `devices`, one to an entry and byte for byte: nothing here takes them apart. */
import { type Batch, readLines } from '../batch/batch.js';
import { partitionOf, type Route } from './route.js';

/** Of the entry's layout; a consumer that finds another does not know how to read it. */
export const TELEMETRY_VERSION = '1';

export const TELEMETRY_ACKNOWLEDGEMENTS = {
  stream: 'aurora:devices:acknowledgements',
  stored: 'telemetry.stored',
  discarded: 'telemetry.discarded',
} as const;

export function createTelemetryRoute(partitions: number): Route {
  return {
    name: 'telemetry',
    acknowledgements: TELEMETRY_ACKNOWLEDGEMENTS,
    carries: ({ device }) => device !== undefined,
    streamOf: (batchId) => telemetryStreamOf(batchId, partitions),
    prepare: (batch) => {
      const fields = telemetryFields(batch);
      return { raw: new Map(), fields: () => fields };
    },
  };
}

/** The entry's fields, flat, as XADD takes them. */
export function telemetryFields({ header, body }: Batch): string[] {
  const { id, tenant, device = '', received } = header;
  const [message = Buffer.alloc(0)] = readLines(body);
  return [
    'id',
    id,
    'v',
    TELEMETRY_VERSION,
    'tenant',
    tenant,
    'device',
    device,
    'received',
    received,
    'body',
    message.toString('base64'),
  ];
}

/** The stream of a batch. */
export function telemetryStreamOf(batchId: string, partitions: number): string {
  return `aurora:devices:telemetry:${partitionOf(batchId, partitions)}`;
}
