/** A device's message as ingest puts it on the stream. */
import { PoisonMessageError } from '@aurorasoc/kit/errors';
import { isUuid } from '@aurorasoc/kit/ids';
import type { StreamEntry } from '@aurorasoc/kit/streams';

export interface TelemetryBatch {
  readonly id: string;
  /** From the topic: what the broker lets the device write to. */
  readonly device: string;
  /** When ingest received it. */
  readonly receivedAt: Date;
  /** Base64. */
  readonly body: string;
}

const VERSION = '1';
/** MQTT topics are longer at most; a device id is a UUID. */
const MAX_DEVICE = 200;

/** Partitions of the telemetry stream; each is a stream of its own. */
export function telemetryStreams(partitions: number): string[] {
  return Array.from({ length: partitions }, (_, partition) => `aurora:devices:telemetry:${partition}`);
}

/** The id of the device that an entry says it is from; any text. */
export function deviceOf({ fields }: StreamEntry): string {
  return (fields.get('device') ?? '').slice(0, MAX_DEVICE).replaceAll('\0', '\ufffd');
}

/** @throws PoisonMessageError when the entry is not a message of telemetry: ingest is of another version, or somebody else wrote it. */
export function readTelemetryBatch(entry: StreamEntry): TelemetryBatch {
  const field = (name: string): string => entry.fields.get(name) ?? '';
  const receivedAt = new Date(field('received'));
  const wrong = [
    ...(isUuid(entry.messageId) ? [] : ['id']),
    ...(field('v') === VERSION ? [] : ['v']),
    ...(Number.isNaN(receivedAt.getTime()) ? ['received'] : []),
  ];
  if (wrong.length > 0)
    throw new PoisonMessageError('The entry is not a message of telemetry', { field: wrong.join() });
  return { id: entry.messageId, device: deviceOf(entry), receivedAt, body: field('body') };
}
