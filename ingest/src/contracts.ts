/** What ingest and storage must agree on; contract tests hold it to what storage says of itself. */
export { ACKNOWLEDGEMENT_STREAM } from './delivery/acknowledgements.js';
export { ENTRY_VERSION, entryFields, eventStreamOf, PARTITIONS } from './delivery/entry.js';
