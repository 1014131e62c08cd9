/**
 * Sigma field names and where normalised events keep them.
 *
 * Windows rules are written against the names of the event log, so they read the vendor fields under `winlog`, which
 * keep every name and value as it came. ECS fields are for people and pivots, and for what a shipper moved there.
 */
import type { Logsource } from '../rule/rule.js';
import type { FieldPath } from './taxonomy.js';
import { ecsPathOf } from './windows-ecs-fields.js';

/** Fields of the `<System>` part of a Windows event. */
const WINDOWS_SYSTEM_FIELDS: Readonly<Record<string, readonly string[]>> = {
  EventID: ['winlog.event_id', 'event.code'],
  Channel: ['winlog.channel'],
  Provider_Name: ['winlog.provider_name', 'event.provider'],
  Computer: ['winlog.computer_name', 'host.name'],
  ComputerName: ['winlog.computer_name', 'host.name'],
  EventRecordID: ['winlog.record_id'],
  Level: ['winlog.level'],
  Task: ['winlog.task'],
  Keywords: ['winlog.keywords'],
  Execution_ProcessID: ['winlog.process.pid'],
  Execution_ThreadID: ['winlog.process.thread.id'],
  Message: ['message'],
};

/** Other names under which other Windows logs report the same, tried in order before the name itself. */
const WINDOWS_ALIASES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  process_creation: {
    // Security 4688 calls the creator `ProcessId`, so the new process has to be asked for first.
    ProcessId: ['NewProcessId'],
  },
};

/** The same, tried after the name itself. */
const WINDOWS_FALLBACKS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  process_creation: {
    Image: ['NewProcessName'],
    CommandLine: ['ProcessCommandLine'],
    ParentImage: ['ParentProcessName'],
    LogonId: ['SubjectLogonId'],
  },
  antivirus: {
    Signature: ['ThreatName'],
    Filename: ['Path'],
  },
};

/** ECS fields behind Sigma's generic categories, for sources other than Windows. */
const ECS_FIELDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  process_creation: {
    Image: 'process.executable',
    CommandLine: 'process.command_line',
    CurrentDirectory: 'process.working_directory',
    ProcessId: 'process.pid',
    ParentImage: 'process.parent.executable',
    ParentCommandLine: 'process.parent.command_line',
    ParentProcessId: 'process.parent.pid',
    User: 'user.name',
    LogonId: 'user.id',
  },
  file_event: { Image: 'process.executable', TargetFilename: 'file.path', User: 'user.name' },
  network_connection: {
    Image: 'process.executable',
    DestinationHostname: 'destination.domain',
    DestinationIp: 'destination.ip',
    DestinationPort: 'destination.port',
    SourceIp: 'source.ip',
    SourcePort: 'source.port',
    User: 'user.name',
  },
};

/** @see Taxonomy.fieldPaths */
export function fieldPathsOf(field: string, logsource: Logsource): readonly FieldPath[] {
  const category = logsource.category ?? '';
  if (logsource.product === 'windows') return windowsPaths(field, logsource);
  const generic = ECS_FIELDS[category];
  const ecs = generic !== undefined && Object.hasOwn(generic, field) ? [dottedPath(generic[field] ?? field)] : [];
  // A rule without a product may meet a Windows event, for example of the category antivirus.
  const windows = logsource.product === undefined ? windowsPaths(field, logsource) : [];
  const path = dottedPath(field);
  // Where the normaliser keeps fields of the source that no mapping names.
  const unmapped = { segments: ['aurora', 'fields', ...path.segments] };
  return [path, ...ecs, unmapped, ...windows];
}

function windowsPaths(field: string, logsource: Logsource): FieldPath[] {
  const category = logsource.category ?? '';
  const system = (Object.hasOwn(WINDOWS_SYSTEM_FIELDS, field) && WINDOWS_SYSTEM_FIELDS[field]) || [];
  const names = [...lookUp(WINDOWS_ALIASES, category, field), field, ...lookUp(WINDOWS_FALLBACKS, category, field)];
  const moved = ecsPathOf(field, logsource);
  return [
    ...system.map(dottedPath),
    ...names.map((name) => ({ segments: ['winlog', 'event_data', name], ignoresSpaces: true })),
    ...(moved === undefined ? [] : [moved]),
  ];
}

function lookUp(
  table: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>,
  category: string,
  field: string,
): readonly string[] {
  const names = Object.hasOwn(table, category) ? table[category] : undefined;
  return (names !== undefined && Object.hasOwn(names, field) && names[field]) || [];
}

function dottedPath(name: string): FieldPath {
  return { segments: name.split('.') };
}
