/**
 * The role `ingest`: accepts events over HTTP and syslog, and devices' telemetry over MQTT, keeps both on disk until their
 * consumers have committed them, and publishes them to Redis Streams, events normalised.
 */
import { runProcess } from '@aurorasoc/kit/lifecycle';
import { createLog } from '@aurorasoc/kit/log';
import { startTelemetry } from '@aurorasoc/kit/telemetry';
import { createIngest, type SyslogOptions } from './create-ingest.js';
import { type IngestEnvironment, readIngestEnvironment } from './environment.js';

export { createIngest, type Ingest, type IngestOptions, type SyslogOptions } from './create-ingest.js';
export { type IngestEnvironment, ingestVariables, readIngestEnvironment } from './environment.js';

/**
 * Runs the role in this process until a signal or the supervisor ends it.
 * @throws AuroraError `CONFIGURATION_INVALID` listing every bad variable.
 */
export async function runIngest(): Promise<void> {
  const environment = readIngestEnvironment();
  const log = createLog('ingest', environment.LOG_LEVEL);
  await runProcess({ log, isSupervised: environment.AURORA_SUPERVISED === '1' }, async (stopper) => {
    stopper.add('telemetry', startTelemetry('ingest', environment.OTEL_EXPORTER_OTLP_ENDPOINT), (part) =>
      part.shutdown(),
    );
    const ingest = await createIngest({
      host: environment.HOST,
      port: environment.INGEST_PORT,
      redisUrl: environment.REDIS_URL,
      apiKeysFile: environment.AURORA_API_KEYS_FILE,
      spoolFolder: environment.INGEST_SPOOL_DIR,
      spoolMaxBytes: environment.INGEST_SPOOL_MAX_BYTES,
      spoolMaxBatches: environment.INGEST_SPOOL_MAX_BATCHES,
      maxBodyBytes: environment.INGEST_MAX_BODY_BYTES,
      maxDecodedBytes: environment.INGEST_MAX_DECODED_BYTES,
      requestMemoryBytes: environment.INGEST_REQUEST_MEMORY_BYTES,
      requestTimeoutMs: environment.INGEST_REQUEST_TIMEOUT_MS,
      partitions: environment.INGEST_PARTITIONS,
      telemetryPartitions: environment.DEVICES_PARTITIONS,
      resendMs: environment.INGEST_RESEND_MS,
      syslog: syslogOptionsOf(environment),
      mqttUrl: environment.MQTT_URL === 'off' ? undefined : environment.MQTT_URL,
      log,
    });
    stopper.add('ingest', ingest, (part) => part.stop());
    log.info({ host: environment.HOST, port: ingest.port }, 'Accepting events');
    if (ingest.syslogPort !== undefined)
      log.info({ host: environment.HOST, port: ingest.syslogPort }, 'Accepting syslog over TCP and UDP');
  });
}

/** Undefined when nobody said whose events syslog's are, or when it is off. */
function syslogOptionsOf(environment: IngestEnvironment): SyslogOptions | undefined {
  const { INGEST_SYSLOG_PORT: port, INGEST_SYSLOG_TENANT: tenant } = environment;
  return port === 'off' || tenant === undefined ? undefined : { port, tenant };
}
