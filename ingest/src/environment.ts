/** The variables of the role `ingest`, read once at start. */
import {
  existingFile,
  mqttUrl,
  parseEnvironment,
  port,
  portOrOff,
  redisUrl,
  variable,
} from '@aurorasoc/kit/environment';
import { tenantIdSchema } from '@aurorasoc/kit/ids';
import { z } from 'zod';
import { PARTITIONS } from './delivery/event-route.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

const bytes = (description: string, fallback: number, least: number) =>
  variable(z.coerce.number().int().min(least).default(fallback), { description, example: String(fallback) });
const milliseconds = (description: string, fallback: number) =>
  variable(z.coerce.number().int().min(10).max(86_400_000).default(fallback), {
    description,
    example: String(fallback),
  });

export const ingestVariables = {
  HOST: variable(z.string().min(1).default('127.0.0.1'), {
    description: 'Address that the listeners bind, HTTP and syslog',
    example: '0.0.0.0',
  }),
  INGEST_PORT: port('HTTP: `POST /v1/events`, `/healthz`, `/readyz`, `/metrics`', 8010),
  INGEST_SYSLOG_PORT: portOrOff(
    'Syslog over TCP and UDP, 0 takes a free port, `off` turns it off; only with INGEST_SYSLOG_TENANT',
    5514,
  ),
  INGEST_SYSLOG_TENANT: variable(tenantIdSchema.optional(), {
    description: 'Tenant of everything that comes by syslog, which has no credentials; unset: no syslog',
    example: '00000000-0000-8000-8000-000000000001',
  }),
  REDIS_URL: redisUrl,
  MQTT_URL: variable(z.literal('off').or(mqttUrl).optional(), {
    description: 'MQTT v5 broker that devices send telemetry to; `off` or unset: none is taken in',
    example: 'mqtt://user:password@127.0.0.1:1883',
  }),
  AURORA_API_KEYS_FILE: existingFile(
    'JSON file with the hashed API keys; re-read when it changes',
    '.aurora/keys/api-keys.json',
  ),
  INGEST_SPOOL_DIR: variable(z.string().min(1).default('.aurora/ingest/spool'), {
    description: 'Folder of the spool; one process per folder; made when missing',
    example: '/var/lib/aurora/ingest/spool',
  }),
  INGEST_SPOOL_MAX_BYTES: bytes('Bytes on disk at which requests are refused with 503', GIB, 4 * MIB),
  INGEST_SPOOL_MAX_BATCHES: variable(z.coerce.number().int().min(1).default(200_000), {
    description: 'Unacknowledged batches at which requests are refused with 503; bounds the memory of their index',
    example: '200000',
  }),
  INGEST_MAX_BODY_BYTES: bytes(
    'Most bytes of a request body on the wire, and of a decoded `application/json` body',
    8 * MIB,
    KIB,
  ),
  INGEST_MAX_DECODED_BYTES: bytes('Most bytes of a request body after decompression', 64 * MIB, KIB),
  INGEST_REQUEST_MEMORY_BYTES: bytes(
    'Most bytes of all requests in progress together; beyond it requests get 503',
    256 * MIB,
    KIB,
  ),
  INGEST_REQUEST_TIMEOUT_MS: milliseconds('Longest time in which a client may send its request', 30_000),
  INGEST_PARTITIONS: variable(z.coerce.number().int().min(PARTITIONS.least).max(PARTITIONS.most).default(1), {
    description: 'Streams `aurora:ingest:events:<p>` that batches are spread over; the same in every consumer',
    example: '1',
  }),
  DEVICES_PARTITIONS: variable(z.coerce.number().int().min(PARTITIONS.least).max(PARTITIONS.most).default(1), {
    description: "Streams `aurora:devices:telemetry:<p>` that devices' telemetry is spread over; the same for devices",
    example: '1',
  }),
  INGEST_RESEND_MS: milliseconds('Wait for an acknowledgement before a batch is sent again; doubles each time', 30_000),
} as const;

export type IngestEnvironment = ReturnType<typeof readIngestEnvironment>;

/** @throws AuroraError `CONFIGURATION_INVALID` with one line per bad variable. */
export function readIngestEnvironment() {
  return parseEnvironment(ingestVariables);
}
