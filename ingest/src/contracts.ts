/** What ingest and its consumers must agree on; contract tests hold it to what they say of themselves. */
export {
  ENTRY_VERSION,
  EVENT_ACKNOWLEDGEMENTS,
  entryFields,
  eventStreamOf,
  PARTITIONS,
} from './delivery/event-route.js';
export {
  TELEMETRY_ACKNOWLEDGEMENTS,
  TELEMETRY_VERSION,
  telemetryFields,
  telemetryStreamOf,
} from './delivery/telemetry-route.js';
export { hearingKeyOf, LISTENERS_KEY, tellHearing } from './mqtt/tell-hearing.js';
