/** Wires the parts of ingest: listeners, spool, delivery. Reads no environment and no process state. */
import type { Server } from 'node:http';
import { ApiKeyVerifier } from '@aurorasoc/kit/auth';
import { closeServer, Health, listen } from '@aurorasoc/kit/health';
import { type Clock, systemClock } from '@aurorasoc/kit/ids';
import { Stopper } from '@aurorasoc/kit/lifecycle';
import type { Logger } from '@aurorasoc/kit/log';
import { connectRedis } from '@aurorasoc/kit/streams';
import { createNormalizer } from '@aurorasoc/normalize';
import type { Batch, BatchHeader } from './batch/batch.js';
import { Delivery } from './delivery/delivery.js';
import { createEventRoute } from './delivery/event-route.js';
import type { Route } from './delivery/route.js';
import { createTelemetryRoute } from './delivery/telemetry-route.js';
import { ByteBudget } from './http/byte-budget.js';
import { ErasedTenants } from './http/erased-tenants.js';
import { IdempotencyWindow } from './http/idempotency.js';
import { createIngestServer } from './http/server.js';
import { createIngestMetrics, exposeSpool, type IngestMetrics } from './metrics.js';
import { MqttListener, SESSION_EXPIRY_SECONDS } from './mqtt/listener.js';
import { TelemetryIntake } from './mqtt/telemetry-intake.js';
import { tellHearing } from './mqtt/tell-hearing.js';
import { readInstanceId } from './spool/instance-id.js';
import { Spool } from './spool/spool.js';
import { LineCommitter } from './syslog/line-committer.js';
import { SyslogListener } from './syslog/listener.js';

export interface IngestOptions {
  /** Address that the listener binds. */
  readonly host: string;
  /** 0: one that is free, see {@link Ingest.port}. */
  readonly port: number;
  readonly redisUrl: string;
  readonly apiKeysFile: string;
  readonly spoolFolder: string;
  /** Bytes on disk at which requests are refused. */
  readonly spoolMaxBytes: number;
  /** Unacknowledged batches at which requests are refused. */
  readonly spoolMaxBatches: number;
  /** Most bytes of one body on the wire. */
  readonly maxBodyBytes: number;
  /** Most bytes of one body after decompression. */
  readonly maxDecodedBytes: number;
  /** Most bytes of all bodies in progress. */
  readonly requestMemoryBytes: number;
  /** Longest time for one request to arrive, milliseconds. */
  readonly requestTimeoutMs: number;
  /** Streams that batches of events are spread over. */
  readonly partitions: number;
  /** Streams that devices' telemetry is spread over. */
  readonly telemetryPartitions: number;
  /** Wait for an acknowledgement before the first resend, milliseconds. */
  readonly resendMs: number;
  /** Syslog over TCP and UDP; absent: no syslog. */
  readonly syslog?: SyslogOptions | undefined;
  /** Broker that devices send their telemetry to, with a login that may read it; absent: none is taken in. */
  readonly mqttUrl?: string | undefined;
  readonly log: Logger;
  /** @default the system's clock */
  readonly clock?: Clock;
}

export interface SyslogOptions {
  /** On the same address as HTTP; 0: one that is free, see {@link Ingest.syslogPort}. */
  readonly port: number;
  /** Whose events they are: syslog has no credentials that could say it. */
  readonly tenant: string;
}

export interface Ingest {
  /** The port that the HTTP listener got. */
  readonly port: number;
  /** The port of syslog, TCP and UDP alike; undefined without syslog. */
  readonly syslogPort: number | undefined;
  readonly health: Health;
  /** Stops accepting, finishes what was begun, sends what is ready, frees the spool. Everything with a 2xx stays safe. */
  stop(): Promise<void>;
}

/** Less than an orphaned process has for its end. */
const FLUSH_MS = 2_000;

/** What the ways in share. */
interface Core {
  readonly options: IngestOptions;
  readonly clock: Clock;
  readonly log: Logger;
  readonly health: Health;
  readonly metrics: IngestMetrics;
  readonly stopper: Stopper;
  readonly spool: Spool;
  /** Of the spool. */
  readonly instanceId: string;
  readonly delivery: Delivery;
  readonly telemetryRoute: Route;
  readonly idempotency: IdempotencyWindow;
  readonly erased: ErasedTenants;
  /** Hands durable batches on for publication. */
  readonly onDurable: (batches: readonly Batch[]) => void;
}

/**
 * Starts ingest; resolves when it accepts requests. Redis may be away: batches then wait in the spool.
 *
 * @throws AuroraError `PORT_TAKEN`, `CONFLICT` (spool in use), `CONFIGURATION_INVALID` (key file). Nothing is left open then.
 */
export async function createIngest(options: IngestOptions): Promise<Ingest> {
  const stopper = new Stopper(options.log);
  try {
    const health = new Health('ingest');
    const keys = new ApiKeyVerifier(options.apiKeysFile, health, options.log);
    const core = await startCore(options, health, stopper);
    const server = createServer(core, keys);
    const syslog = options.syslog && (await startSyslog(core, options.syslog));
    if (options.mqttUrl !== undefined) startMqtt(core, options.mqttUrl);
    stopper.add('readiness', health, (part) => part.drain());
    const port = await listen(server, options.port, options.host);
    return { port, syslogPort: syslog?.port, health, stop: () => stopper.stop() };
  } catch (error) {
    await stopper.stop();
    throw error;
  }
}

/** The spool, and the delivery of what is in it. */
async function startCore(options: IngestOptions, health: Health, stopper: Stopper): Promise<Core> {
  const { log, clock = systemClock, spoolFolder: folder } = options;
  const metrics = createIngestMetrics(health.metrics);
  const now = (): number => clock().getTime();
  const recovered: { header: BatchHeader; bytes: number }[] = [];
  const spool = stopper.add(
    'spool',
    await Spool.open(
      { folder, maxBytes: options.spoolMaxBytes, maxBatches: options.spoolMaxBatches, log, health },
      (header, bytes) => recovered.push({ header, bytes }),
    ),
    (part) => part.close(),
  );
  exposeSpool(health.metrics, spool, now);

  const erased = new ErasedTenants();
  const telemetryRoute = createTelemetryRoute(options.telemetryPartitions);
  const instanceId = readInstanceId(folder);
  const delivery = new Delivery({
    routes: [createEventRoute(createNormalizer(), options.partitions), telemetryRoute],
    spool,
    redisUrl: options.redisUrl,
    instanceId,
    resendMs: options.resendMs,
    onErased: (tenant) => erased.add(tenant),
    metrics,
    health,
    log,
  });
  const idempotency = new IdempotencyWindow(now);
  for (const { header, bytes } of recovered) {
    idempotency.recover(header);
    metrics.recovered.inc(header.lines);
    delivery.add(header, bytes);
  }
  stopper.add('delivery', delivery, (part) => part.stop(FLUSH_MS)).start();
  const onDurable = (batches: readonly Batch[]): void => {
    for (const { header, body } of batches) delivery.add(header, body.byteLength);
  };
  return {
    options,
    clock,
    log,
    health,
    metrics,
    stopper,
    spool,
    instanceId,
    delivery,
    telemetryRoute,
    idempotency,
    erased,
    onDurable,
  };
}

/** Does not listen yet. */
function createServer(core: Core, keys: ApiKeyVerifier): Server {
  const { options, stopper } = core;
  const server = createIngestServer({
    ...core,
    keys,
    budget: new ByteBudget(options.requestMemoryBytes),
    limits: { maxBodyBytes: options.maxBodyBytes, maxDecodedBytes: options.maxDecodedBytes },
    requestTimeoutMs: options.requestTimeoutMs,
  });
  return stopper.add('listener', server, (part) => closeServer(part));
}

async function startSyslog(core: Core, { port, tenant }: SyslogOptions): Promise<SyslogListener> {
  const { options, metrics, log, stopper } = core;
  const committer = new LineCommitter({ ...core, tenant });
  const listener = await SyslogListener.start({ host: options.host, port, committer, metrics, log });
  return stopper.add('syslog', listener, (part) => part.stop());
}

function startMqtt(core: Core, url: string): void {
  const { options, clock, delivery, telemetryRoute, instanceId, health, stopper } = core;
  const intake = new TelemetryIntake(core);
  const listener = new MqttListener({ ...core, url, intake });
  stopper.add('mqtt', listener, (part) => part.stop()).start();
  const redis = stopper.add('redis hearing', connectRedis(options.redisUrl, 'hearing', health), (part) =>
    part.disconnect(),
  );
  const end = tellHearing({
    redis,
    instanceId,
    sessionExpiryMs: SESSION_EXPIRY_SECONDS * 1_000,
    isHearing: () => listener.isHearing,
    sentUntilMs: () =>
      Math.min(
        // What devices sent since then may be held up at the broker, or on the way from there.
        clock().getTime() - listener.silentMs,
        intake.oldestTakingMs ?? Number.POSITIVE_INFINITY,
        delivery.oldestUnsentMs(telemetryRoute) ?? Number.POSITIVE_INFINITY,
      ),
  });
  stopper.add('hearing', end, (part) => part());
}
