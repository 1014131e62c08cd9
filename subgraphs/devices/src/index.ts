/** The domain `devices`: devices at the edge, their enrolment, and what they measure. */
import { type DomainDefinition, domainProgram } from '@aurorasoc/kit/domain';
import { tellDiscarded } from '@aurorasoc/kit/erasure';
import { EventRecorder } from '@aurorasoc/kit/events';
import { Counter } from 'prom-client';
import type { DevicesContext, DevicesServices } from './context.js';
import { Device } from './device/device.entity.js';
import { DeviceLog } from './device/device-log.js';
import { readHearing } from './device/hearing.js';
import { PresenceWatch } from './device/presence-watch.js';
import { type DevicesEnvironment, readDevicesEnvironment } from './environment.js';
import { ACKNOWLEDGEMENTS, devicesEvents } from './events.js';
import { migrations } from './migrations.js';
import { findTenants } from './telemetry/find-tenants.js';
import { telemetryStreams } from './telemetry/telemetry-batch.js';
import { storeTelemetry, TELEMETRY_ACTOR, TELEMETRY_GROUP } from './telemetry/telemetry-worker.js';

function defineDevices(environment: DevicesEnvironment): DomainDefinition<DevicesServices, DevicesContext> {
  return {
    domain: 'devices',
    entities: [Device],
    migrations,
    routes: { 'telemetry.stored': ACKNOWLEDGEMENTS, 'telemetry.discarded': ACKNOWLEDGEMENTS },
    buildSchema: async () => (await import('./schema.js')).buildDevicesSchema(),
    createServices: (runtime) => ({
      runtime,
      deviceLog: new DeviceLog(new EventRecorder('devices', environment.AURORA_SITE, devicesEvents)),
    }),
    createContext: async (services) => (await import('./context.js')).createContext(services),
    startWorkers: async ({ deviceLog }, { database, health, log, redis, stopper, consume }) => {
      const graceMs = environment.DEVICE_GRACE_MS;
      const messages = new Counter({
        name: 'aurora_devices_telemetry_total',
        help: "Devices' messages that are durable, by what became of them",
        labelNames: ['outcome'],
        registers: [health.metrics],
      });
      const streams = telemetryStreams(environment.DEVICES_PARTITIONS);
      consume({
        streams,
        group: TELEMETRY_GROUP,
        attribute: (entries) => findTenants(database, entries),
        handle: storeTelemetry({ database, deviceLog, graceMs, count: (outcome) => messages.inc({ outcome }) }),
        discard: tellDiscarded(database, deviceLog.recorder, 'telemetry.discarded', TELEMETRY_ACTOR),
        trimForGroups: [TELEMETRY_GROUP],
      });
      const watch = new PresenceWatch({
        database,
        deviceLog,
        log,
        graceMs,
        hearing: (now) => readHearing(redis, streams, TELEMETRY_GROUP, now),
      });
      watch.start();
      stopper.add('presence watch', watch, (started) => started.stop());
    },
  };
}

/** The role `devices`. */
export const runDevices = domainProgram(readDevicesEnvironment, defineDevices);
