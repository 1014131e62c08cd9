/** What crosses from ingest to the domains alerts and devices and back is written down on both sides; here these are held together. */
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ACKNOWLEDGEMENTS, alertsEvents } from '@aurorasoc/alerts/events';
import { devicesEvents, ACKNOWLEDGEMENTS as telemetryAcknowledgements } from '@aurorasoc/devices/events';
import {
  ENTRY_VERSION,
  EVENT_ACKNOWLEDGEMENTS,
  entryFields,
  eventStreamOf,
  PARTITIONS,
  TELEMETRY_ACKNOWLEDGEMENTS,
  telemetryFields,
  telemetryStreamOf,
} from '@aurorasoc/ingest/contracts';
import { AGENTS_ISSUER, GATEWAY_ISSUER } from '@aurorasoc/kit/auth';
import { newBatchId, newId } from '@aurorasoc/kit/ids';
import { parseEntry, type StreamEntry } from '@aurorasoc/kit/streams';
import { describe, expect, it } from 'vitest';
import { aurora } from '../support/cli.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** A module that its package keeps to itself: what it says is a contract all the same. */
const built = <T>(path: string): Promise<T> => import(pathToFileURL(`${root}${path}`).href) as Promise<T>;

interface EventBatchModule {
  ingestStreams(partitions: number): string[];
  readBatch(entry: StreamEntry): { id: string; tenant: string; events: readonly { id: string }[] };
}
const storage = await built<EventBatchModule>('subgraphs/alerts/dist/event/event-batch.js');

describe('ingest and storage', () => {
  it.each([PARTITIONS.least - 1, PARTITIONS.least, PARTITIONS.most, PARTITIONS.most + 1])(
    'take or refuse INGEST_PARTITIONS=%i alike',
    async (partitions) => {
      const isRefused = partitions < PARTITIONS.least || partitions > PARTITIONS.most;
      for (const role of ['ingest', 'alerts']) {
        // Nothing else is set, so either ends at once and says what it lacks.
        const { stdout, stderr } = await aurora(['serve', '--role', role], {
          env: { INGEST_PARTITIONS: String(partitions) },
        });
        expect(stdout + stderr, role).toContain('REDIS_URL: is not set');
        expect(/INGEST_PARTITIONS: /.test(stdout + stderr), `${role} refuses ${partitions}`).toBe(isRefused);
      }
    },
  );

  it('mean the same streams', () => {
    for (const partitions of [1, 3, PARTITIONS.most]) {
      const written = Array.from({ length: 1_000 }, () => eventStreamOf(newBatchId(), partitions));
      expect(new Set(written)).toEqual(new Set(storage.ingestStreams(partitions)));
    }
    const { stream, ...types } = EVENT_ACKNOWLEDGEMENTS;
    expect(stream).toBe(ACKNOWLEDGEMENTS);
    for (const type of Object.values(types)) expect(alertsEvents).toHaveProperty([type]);
  });

  it('mean the same by the fields of an entry of version 1', () => {
    expect(ENTRY_VERSION).toBe('1');
    const [id, tenant, event] = [newBatchId(), newId(), newId()];
    const header = {
      id,
      tenant,
      received: '2026-11-23T12:00:00.000Z',
      lines: 1,
      traceparent: undefined,
      request: undefined,
    };
    const fields = entryFields({ header, body: Buffer.alloc(0) }, JSON.stringify({ event: { id: event } }), undefined);
    expect(storage.readBatch(parseEntry(eventStreamOf(id, 1), ['1-0', fields]))).toMatchObject({
      id,
      tenant,
      events: [{ id: event }],
    });
  });
});

interface TelemetryBatchModule {
  telemetryStreams(partitions: number): string[];
  readTelemetryBatch(entry: StreamEntry): { id: string; device: string; receivedAt: Date; body: string };
}
const telemetry = await built<TelemetryBatchModule>('subgraphs/devices/dist/telemetry/telemetry-batch.js');

describe('ingest and devices', () => {
  it('mean the same streams', () => {
    for (const partitions of [1, 3, PARTITIONS.most]) {
      const written = Array.from({ length: 1_000 }, () => telemetryStreamOf(newId(), partitions));
      expect(new Set(written)).toEqual(new Set(telemetry.telemetryStreams(partitions)));
    }
    const { stream, ...types } = TELEMETRY_ACKNOWLEDGEMENTS;
    expect(stream).toBe(telemetryAcknowledgements);
    for (const type of Object.values(types)) expect(devicesEvents).toHaveProperty([type]);
  });

  it('mean the same by the fields of an entry of version 1', () => {
    const [id, device] = [newId(), newId()];
    const received = '2026-11-23T12:00:00.000Z';
    const message = Buffer.from([0xa0, 0x00, 0xff]);
    const body = Buffer.concat([Buffer.from([0, 0, 0, message.byteLength]), message]);
    const fields = telemetryFields({ header: { id, tenant: '', device, received, lines: 1 }, body });
    const entry = parseEntry(telemetryStreamOf(id, 1), ['1-0', fields]);
    expect(entry.tenant).toBe('');
    expect(telemetry.readTelemetryBatch(entry)).toEqual({
      id,
      device,
      receivedAt: new Date(received),
      body: message.toString('base64'),
    });
  });
});

describe('issuers of tokens', () => {
  it('are the ones that those who verify them know', async () => {
    const agents = await built<{ TOKEN_ISSUER: string }>('subgraphs/agents/dist/task/agent-tokens.js');
    expect(agents.TOKEN_ISSUER).toBe(AGENTS_ISSUER);
    expect(GATEWAY_ISSUER).toBe('aurora-gateway');
  });
});
