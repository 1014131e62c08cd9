/**
 * Windows field names in terms of ECS, for events whose shipper moved the parameters of the Windows event there, as
 * Winlogbeat's and Elastic Agent's Sysmon, Security and PowerShell modules do. They are asked for last: what the event
 * log itself wrote comes first.
 */
import type { Logsource } from '../rule/rule.js';
import type { FieldPath } from './taxonomy.js';

type Fields = Readonly<Record<string, FieldPath>>;

const at = (path: string): FieldPath => ({ segments: path.split('.') });
const inWords = (path: string, words: Readonly<Record<string, string>>): FieldPath => ({ ...at(path), words });
const withPrefix = (prefix: string, path: string): FieldPath => ({ ...at(path), prefix });
const all = ([first, ...also]: readonly [FieldPath, ...FieldPath[]]): FieldPath => ({ ...first, also });

/** `DOMAIN\name`, or the name alone. */
const USER: FieldPath = { ...at('user.name'), qualifier: ['user', 'domain'] };

/** Sysmon writes `MD5=…,SHA256=…,IMPHASH=…` in one text; here each is a text of its own. */
const hashesOf = (section: string): FieldPath =>
  all([
    withPrefix('MD5=', `${section}.hash.md5`),
    withPrefix('SHA1=', `${section}.hash.sha1`),
    withPrefix('SHA256=', `${section}.hash.sha256`),
    withPrefix('IMPHASH=', `${section}.pe.imphash`),
  ]);

const SYSMON: Fields = {
  Image: at('process.executable'),
  ProcessId: at('process.pid'),
  ProcessGuid: at('process.entity_id'),
  RuleName: at('rule.name'),
  User: USER,
};

const PROCESS: Fields = {
  CommandLine: at('process.command_line'),
  CurrentDirectory: at('process.working_directory'),
  ParentImage: at('process.parent.executable'),
  ParentCommandLine: at('process.parent.command_line'),
  ParentProcessId: at('process.parent.pid'),
  ParentProcessGuid: at('process.parent.entity_id'),
  OriginalFileName: at('process.pe.original_file_name'),
  Company: at('process.pe.company'),
  Description: at('process.pe.description'),
  FileVersion: at('process.pe.file_version'),
  Product: at('process.pe.product'),
  Hashes: hashesOf('process'),
};

/** The process that acts on another one. */
const SOURCE_PROCESS: Fields = {
  SourceImage: at('process.executable'),
  SourceProcessId: at('process.pid'),
  SourceProcessGuid: at('process.entity_id'),
  SourceProcessGUID: at('process.entity_id'),
  SourceThreadId: at('process.thread.id'),
  SourceUser: USER,
};

const FILE: Fields = { TargetFilename: at('file.path'), Hashes: hashesOf('file'), Hash: hashesOf('file') };

const NETWORK: Fields = {
  DestinationHostname: at('destination.domain'),
  DestinationIp: at('destination.ip'),
  DestinationPort: at('destination.port'),
  DestinationPortName: at('network.protocol'),
  DestinationIsIpv6: inWords('network.type', { ipv4: 'false', ipv6: 'true' }),
  Initiated: inWords('network.direction', { egress: 'true', ingress: 'false' }),
  Protocol: at('network.transport'),
  SourceHostname: at('source.domain'),
  SourceIp: at('source.ip'),
  SourcePort: at('source.port'),
  SourceIsIpv6: inWords('network.type', { ipv4: 'false', ipv6: 'true' }),
};

/** Elastic calls it a file, AuroraSOC a library. */
const LIBRARY: Fields = {
  ImageLoaded: all([at('dll.path'), at('file.path')]),
  OriginalFileName: all([at('dll.pe.original_file_name'), at('file.pe.original_file_name')]),
  Hashes: all([hashesOf('dll'), hashesOf('file')]),
};

const DNS: Fields = {
  QueryName: at('dns.question.name'),
  QueryResults: all([at('dns.resolved_ip'), at('dns.answers.data')]),
};

const REGISTRY: Fields = {
  TargetObject: at('registry.path'),
  Details: { ...at('registry.data.strings'), rendering: 'registry-data' },
};

const PIPE: Fields = { PipeName: at('file.name') };
const DEVICE: Fields = { Device: at('file.path') };
const WMI: Fields = { Destination: at('process.executable') };

/** Security 4624, 4688 and the like; what Elastic's module copies rather than moves is still in the event data. */
const SECURITY: Fields = {
  NewProcessName: at('process.executable'),
  ParentProcessName: at('process.parent.executable'),
  ProcessName: at('process.executable'),
  CommandLine: at('process.command_line'),
  IpAddress: at('source.ip'),
  IpPort: at('source.port'),
  WorkstationName: at('source.domain'),
  Workstation: at('source.domain'),
  ServiceName: at('service.name'),
};

const POWERSHELL: Fields = {
  ScriptBlockText: at('aurora.fields.powershell.file.script_block_text'),
  ScriptBlockId: at('aurora.fields.powershell.file.script_block_id'),
  Path: at('file.path'),
};

const POWERSHELL_CLASSIC: Fields = {
  Data: all([
    withPrefix('HostApplication=', 'process.command_line'),
    withPrefix('EngineVersion=', 'aurora.fields.powershell.engine.version'),
    withPrefix('HostVersion=', 'aurora.fields.powershell.process.executable_version'),
  ]),
};

const FIELDS_OF_CATEGORY: ReadonlyMap<string, Fields> = new Map(
  Object.entries({
    process_creation: { ...SECURITY, ...SYSMON, ...PROCESS },
    process_termination: SYSMON,
    process_tampering: SYSMON,
    process_access: { ...SYSMON, ...SOURCE_PROCESS },
    create_remote_thread: { ...SYSMON, ...SOURCE_PROCESS },
    raw_access_thread: { ...SYSMON, ...DEVICE },
    file_event: { ...SYSMON, ...FILE },
    file_change: { ...SYSMON, ...FILE },
    file_delete: { ...SYSMON, ...FILE },
    file_delete_detected: { ...SYSMON, ...FILE },
    file_block_executable: { ...SYSMON, ...FILE },
    file_block_shredding: { ...SYSMON, ...FILE },
    file_executable_detected: { ...SYSMON, ...FILE },
    create_stream_hash: { ...SYSMON, ...FILE },
    network_connection: { ...SYSMON, ...NETWORK },
    image_load: { ...SYSMON, ...LIBRARY },
    driver_load: { ...SYSMON, ...LIBRARY },
    dns_query: { ...SYSMON, ...DNS },
    registry_event: { ...SYSMON, ...REGISTRY },
    registry_add: { ...SYSMON, ...REGISTRY },
    registry_delete: { ...SYSMON, ...REGISTRY },
    registry_rename: { ...SYSMON, ...REGISTRY },
    registry_set: { ...SYSMON, ...REGISTRY },
    pipe_created: { ...SYSMON, ...PIPE },
    wmi_event: { ...SYSMON, ...WMI },
    ps_script: POWERSHELL,
    ps_classic_start: POWERSHELL_CLASSIC,
    ps_classic_provider_start: POWERSHELL_CLASSIC,
  }),
);

const FIELDS_OF_SERVICE: ReadonlyMap<string, Fields> = new Map(
  Object.entries({
    // Such rules name the event id themselves, and each of these names belongs to few of them.
    sysmon: {
      ...DEVICE,
      ...WMI,
      ...PIPE,
      ...REGISTRY,
      ...DNS,
      ...LIBRARY,
      ...NETWORK,
      ...SOURCE_PROCESS,
      ...FILE,
      ...PROCESS,
      ...SYSMON,
    },
    security: SECURITY,
    powershell: POWERSHELL,
    'powershell-classic': POWERSHELL_CLASSIC,
  }),
);

/** @returns where ECS keeps a Windows field that rules with this log source name; nothing if it does not. */
export function ecsPathOf(field: string, { category, service }: Logsource): FieldPath | undefined {
  const fields = category === undefined ? FIELDS_OF_SERVICE.get(service ?? '') : FIELDS_OF_CATEGORY.get(category);
  return fields !== undefined && Object.hasOwn(fields, field) ? fields[field] : undefined;
}
