/** What becomes of one message from a device: kept on disk, or refused for what it is. */
import { type Clock, isUuid, newId } from '@aurorasoc/kit/ids';
import { type Batch, BlockBuilder, MAX_BYTES_OF_BATCH } from '../batch/batch.js';
import type { IngestMetrics } from '../metrics.js';
import type { Spool } from '../spool/spool.js';

export interface TelemetryIntakeOptions {
  readonly spool: Spool;
  readonly clock: Clock;
  readonly metrics: IngestMetrics;
  /** Hands durable batches on for publication. */
  readonly onDurable: (batches: readonly Batch[]) => void;
}

/** Of everything that devices send as telemetry; the last level is the device. */
export const TELEMETRY_FILTER = 'aurora/v1/tel/+';
/** Four times of what the domain of devices takes for a sample: what is a little too long is refused there, where people see it. */
export const MAX_MESSAGE_BYTES = MAX_BYTES_OF_BATCH;

/** Reason codes of a PUBACK, MQTT v5, 3.4.2.1. From 0x80 on the message is given up: sending it again would not mend it. */
export const REASON = { success: 0x00, topicNameInvalid: 0x90, quotaExceeded: 0x97 } as const;
export type Reason = (typeof REASON)[keyof typeof REASON];

export class TelemetryIntake {
  /** When messages were received that are on their way to disk, the oldest first. */
  readonly #taking = new Set<{ readonly receivedMs: number }>();

  constructor(private readonly options: TelemetryIntakeOptions) {}

  /**
   * Takes one message; its content is not looked at.
   *
   * @returns the reason code for its sender, when the message is on disk or will never be.
   * @throws AuroraError `STORAGE_FULL`, `SERVICE_UNAVAILABLE`: it is to come again later.
   */
  async take(topic: string, message: Buffer): Promise<Reason> {
    const { spool, clock, metrics, onDurable } = this.options;
    const device = topic.slice(topic.lastIndexOf('/') + 1);
    // A device's name is the id that its enrolment gave to it.
    if (!isUuid(device)) return this.#refuse('topic', REASON.topicNameInvalid);
    if (message.byteLength > MAX_MESSAGE_BYTES) return this.#refuse('too_large', REASON.quotaExceeded);
    const builder = new BlockBuilder();
    builder.add(message);
    const receivedAt = clock();
    const received = receivedAt.toISOString();
    const batches = builder
      .finish()
      .map(({ lines, body }): Batch => ({ header: { id: newId(), tenant: '', device, received, lines }, body }));
    const taking = { receivedMs: receivedAt.getTime() };
    this.#taking.add(taking);
    try {
      await spool.append(batches, (count) => {
        metrics.accepted.inc(count);
        metrics.mqttMessages.inc(count);
      });
      onDurable(batches);
    } finally {
      this.#taking.delete(taking);
    }
    return REASON.success;
  }

  /** When the oldest message was received that is on its way to disk, milliseconds of the Unix epoch. */
  get oldestTakingMs(): number | undefined {
    return this.#taking.values().next().value?.receivedMs;
  }

  #refuse(reason: 'topic' | 'too_large', code: Reason): Reason {
    this.options.metrics.mqttRefused.inc({ reason });
    return code;
  }
}
