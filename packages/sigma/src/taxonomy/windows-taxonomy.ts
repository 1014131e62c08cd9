/**
 * The taxonomy of events as AuroraSOC normalises them: Windows events by their event log, everything else by ECS.
 *
 * The log source of an event is found in this order, the first that applies:
 * 1. `aurora.logsource.{product, category, service}`, set by a source that knows Sigma's words. It is taken as it is.
 * 2. The Windows event log: `winlog.channel`, or `winlog.provider_name` without one, and `winlog.event_id`; without
 *    `winlog`, an `event.provider` of Windows and `event.code`.
 * 3. ECS: `event.module` is the product (else, or for the agent Elastic Defend, `host.os.type`), `event.dataset` is the service, whole and without the
 *    module in front (`aws.cloudtrail` is `aws.cloudtrail` and `cloudtrail`), and `event.category` with `event.type`
 *    give the generic categories.
 */
import { type EventDocument, type EventValue, isDocument, readOwn } from '../event/event-document.js';
import { readScalarAt } from '../event/read-field.js';
import { fieldPathsOf } from './field-names.js';
import type { EventLogsource, Taxonomy } from './taxonomy.js';
import { categoriesOfEvent, SERVICE_OF_CHANNEL, SERVICE_OF_PROVIDER } from './windows-logsources.js';

export const windowsTaxonomy: Taxonomy = {
  fieldPaths: fieldPathsOf,
  classifyEvent: (event) => readDeclared(event) ?? readWindows(event) ?? readEcs(event),
};

function readDeclared(event: EventDocument): EventLogsource | null {
  const read = (key: string) => readScalarAt(event, ['aurora', 'logsource', key])?.toLowerCase() ?? null;
  const [product, category, service] = [read('product'), read('category'), read('service')];
  if (product === null && category === null && service === null) return null;
  return { product, categories: category === null ? [] : [category], services: service === null ? [] : [service] };
}

function readWindows(event: EventDocument): EventLogsource | null {
  const winlog = readOwn(event, 'winlog');
  if (!isDocument(winlog)) return readWindowsProvider(event);
  const keys = {
    channel: (readScalarAt(winlog, ['channel']) ?? '').toLowerCase(),
    provider: readScalarAt(winlog, ['provider_name']) ?? '',
    eventId: readScalarAt(winlog, ['event_id']) ?? '',
    eventType: readScalarAt(winlog, ['event_data', 'EventType']) ?? '',
  };
  const services =
    keys.channel === '' ? servicesOfProvider(keys.provider) : (SERVICE_OF_CHANNEL.get(keys.channel) ?? []);
  // Sysmon for Linux writes Windows events about Linux hosts.
  const isLinux = keys.channel.startsWith('linux-sysmon');
  return { product: isLinux ? 'linux' : 'windows', services, categories: categoriesOfEvent(services, keys) };
}

/** ECS documents whose shipper left nothing of the event log but the provider and the event id. */
function readWindowsProvider(event: EventDocument): EventLogsource | null {
  const [provider, eventId] = [readScalarAt(event, ['event', 'provider']), readScalarAt(event, ['event', 'code'])];
  const services = servicesOfProvider(provider ?? '');
  if (provider === null || eventId === null || services.length === 0) return null;
  const categories = categoriesOfEvent(services, { channel: '', provider, eventId, eventType: '' });
  return { product: 'windows', services, categories };
}

function servicesOfProvider(provider: string): readonly string[] {
  return SERVICE_OF_PROVIDER.get(provider.toLowerCase()) ?? [];
}

/** Sigma's generic categories by ECS category and type. */
const ECS_CATEGORIES: readonly { readonly category: string; readonly type: string; readonly sigma: string }[] = [
  { category: 'process', type: 'start', sigma: 'process_creation' },
  { category: 'process', type: 'end', sigma: 'process_termination' },
  { category: 'file', type: 'creation', sigma: 'file_event' },
  { category: 'file', type: 'change', sigma: 'file_change' },
  { category: 'file', type: 'deletion', sigma: 'file_delete' },
  { category: 'network', type: 'connection', sigma: 'network_connection' },
  { category: 'web', type: 'access', sigma: 'webserver' },
];

/** Elastic Defend runs on every operating system; its name says nothing about the events. */
const AGENT_MODULE = 'endpoint';

function readEcs(event: EventDocument): EventLogsource {
  const module = readScalarAt(event, ['event', 'module'])?.toLowerCase() ?? null;
  const dataset = readScalarAt(event, ['event', 'dataset'])?.toLowerCase() ?? null;
  const services = dataset === null ? [] : [dataset];
  if (module !== null && dataset?.startsWith(`${module}.`)) services.push(dataset.slice(module.length + 1));
  const section = readOwn(event, 'event');
  const categories = listWords(isDocument(section) ? readOwn(section, 'category') : undefined);
  const types = listWords(isDocument(section) ? readOwn(section, 'type') : undefined);
  const system = readScalarAt(event, ['host', 'os', 'type'])?.toLowerCase() ?? null;
  return {
    product: module === null || module === AGENT_MODULE ? (system ?? module) : module,
    services,
    categories: ECS_CATEGORIES.filter(
      ({ category, type }) => categories.includes(category) && types.includes(type),
    ).map(({ sigma }) => sigma),
  };
}

function listWords(value: EventValue | undefined): string[] {
  const items = Array.isArray(value) ? value : [value];
  return items.filter((item) => typeof item === 'string');
}
