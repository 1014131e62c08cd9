/** Looks at the evidence for each indicator of the scoring table; every finding cites the values that show it. */
import { BlockList, isIP } from 'node:net';
import type { Assessment, Citation } from '../../a2a/contract.js';
import { baseName, cite, textOf } from '../reasoner/event-fields.js';
import { INDICATORS, type IndicatorId } from '../reasoner/scoring.js';
import type { StoredEvent } from '../tools/graph-tools.js';
import {
  type Evidence,
  isProcessStart,
  WIDESPREAD_COMMAND_HOSTS,
  WIDESPREAD_PROGRAM_HOSTS,
} from './collect-evidence.js';
import * as vocabulary from './vocabulary.js';

export type Finding = Assessment['findings'][number];

/** More examples of one thing say nothing new. */
const MAX_CITATIONS = 12;
const DISCOVERY_TOOLS_FROM = 3;

type Test = (event: StoredEvent) => Citation[];

/** The findings in the order of the scoring table; none cites nothing. */
export function findIndicators(evidence: Evidence): Finding[] {
  // What belongs to the alert's processes; neighbours count only where an indicator says so.
  const scene = distinct([...evidence.matched, ...evidence.descendants, ...evidence.activity]);
  const around = distinct([...scene, ...evidence.neighbours]);
  const citations: Record<IndicatorId, Citation[]> = {
    matched_event: evidence.matched.slice(0, 3).flatMap((event) => cite(event, 'event.code', '@timestamp')),
    ...testEvents(scene),
    discovery_burst: findDiscovery(around),
    antimalware_detection: around.flatMap(antimalwareDetection),
    rare_program: evidence.programPrevalence
      .filter(({ hosts, isComplete }) => isComplete && hosts === 1)
      .flatMap(({ field, events }) => citeEach(events, field, 'host.name')),
    widespread_command: evidence.commandPrevalence
      .filter(({ hosts }) => hosts >= WIDESPREAD_COMMAND_HOSTS)
      .flatMap(({ field, events }) => citeEach(events, field, 'host.name')),
    widespread_program: evidence.programPrevalence
      .filter(({ hosts }) => hosts >= WIDESPREAD_PROGRAM_HOSTS)
      .flatMap(({ field, events }) => citeEach(events, field, 'host.name')),
    management_parent: findManagement(evidence),
    no_follow_up: findSilence(evidence),
  };
  return (Object.keys(INDICATORS) as IndicatorId[]).flatMap((indicator) => {
    const shown = citations[indicator].slice(0, MAX_CITATIONS);
    return shown.length === 0 ? [] : [{ indicator, text: INDICATORS[indicator].text, citations: shown }];
  });
}

const EVENT_TESTS = {
  office_started_shell: (event) =>
    vocabulary.DOCUMENT_PROGRAMS.has(nameIn(event, 'process.parent.name')) &&
    vocabulary.SHELLS.has(nameIn(event, 'process.name'))
      ? cite(event, 'process.parent.name', 'process.name')
      : [],
  system_tool_abused: (event) =>
    vocabulary.PROXY_TOOLS.get(nameIn(event, 'process.name'))?.test(commandOf(event))
      ? cite(event, 'process.name', 'process.command_line')
      : [],
  encoded_command: (event) => (isPowerShell(event) ? citeMatch(event, vocabulary.ENCODED_COMMAND) : []),
  evasive_shell_options: (event) => (isPowerShell(event) ? citeMatch(event, vocabulary.EVASIVE_OPTIONS) : []),
  download_in_command: (event) => citeMatch(event, vocabulary.DOWNLOAD),
  user_writable_program: (event) =>
    isProcessStart(event) && vocabulary.USER_WRITABLE.test(textOf(event, 'process.executable') ?? '')
      ? cite(event, 'process.executable')
      : [],
  renamed_program: (event) => {
    const original = nameIn(event, 'process.pe.original_file_name');
    return vocabulary.RENAMED_TOOLS.has(original) && stem(original) !== stem(nameIn(event, 'process.name'))
      ? cite(event, 'process.pe.original_file_name', 'process.name')
      : [];
  },
  lsass_access: (event) =>
    isSysmon(event, '10') && baseName(textOf(event, 'winlog.event_data.TargetImage') ?? '') === 'lsass.exe'
      ? cite(event, 'process.executable', 'winlog.event_data.TargetImage')
      : [],
  credential_store_copied: (event) => citeMatch(event, vocabulary.CREDENTIAL_COPY),
  remote_thread: (event) =>
    isSysmon(event, '8') ? cite(event, 'process.executable', 'winlog.event_data.TargetImage') : [],
  autostart_written: (event) =>
    isSysmon(event, '13') &&
    vocabulary.AUTOSTART_KEY.test(parentKey(textOf(event, 'winlog.event_data.TargetObject') ?? ''))
      ? cite(event, 'winlog.event_data.TargetObject', 'process.executable')
      : [],
  service_installed: (event) =>
    hasCode(event, '7045', '4697') ? cite(event, 'event.code', 'winlog.event_data.ServiceName') : [],
  task_scheduled: (event) =>
    hasCode(event, '4698') ? cite(event, 'event.code') : citeMatch(event, vocabulary.TASK_CREATED),
  account_created: (event) =>
    isSecurity(event, '4720', '4728', '4732') ? cite(event, 'event.code') : citeMatch(event, vocabulary.ACCOUNT_ADDED),
  log_cleared: (event) =>
    isSecurity(event, '1102') ? cite(event, 'event.code') : citeMatch(event, vocabulary.LOG_CLEARED),
  recovery_disabled: (event) => citeMatch(event, vocabulary.RECOVERY_REMOVED),
  connected_outside: (event) =>
    isSysmon(event, '3') && isPublicAddress(textOf(event, 'destination.ip') ?? '')
      ? cite(event, 'destination.ip', 'process.executable')
      : [],
} satisfies Partial<Record<IndicatorId, Test>>;

function testEvents(scene: readonly StoredEvent[]): Record<keyof typeof EVENT_TESTS, Citation[]> {
  const results = Object.entries(EVENT_TESTS).map(([indicator, test]) => [indicator, scene.flatMap(test)]);
  return Object.fromEntries(results) as Record<keyof typeof EVENT_TESTS, Citation[]>;
}

/** Distinct tools count, one citation each. */
function findDiscovery(events: readonly StoredEvent[]): Citation[] {
  const byTool = new Map<string, StoredEvent>();
  for (const event of events) {
    const tool = nameIn(event, 'process.name').replace(/^net1\.exe$/, 'net.exe');
    if (isProcessStart(event) && vocabulary.DISCOVERY_TOOLS.has(tool) && !byTool.has(tool)) byTool.set(tool, event);
  }
  return byTool.size >= DISCOVERY_TOOLS_FROM
    ? [...byTool.values()].flatMap((event) => cite(event, 'process.name'))
    : [];
}

/** A management agent's name counts only with its folder: anybody can name a file. */
function findManagement({ matched, ancestors }: Evidence): Citation[] {
  const isManagement = (event: StoredEvent, prefix: string): boolean =>
    vocabulary.MANAGEMENT_PROGRAMS.has(nameIn(event, `${prefix}.name`)) &&
    vocabulary.INSTALLED.test(textOf(event, `${prefix}.executable`) ?? '');
  return [
    ...matched
      .filter((event) => isManagement(event, 'process.parent'))
      .flatMap((event) => cite(event, 'process.parent.executable')),
    ...ancestors
      .filter((event) => isManagement(event, 'process'))
      .flatMap((event) => cite(event, 'process.executable')),
  ];
}

/** Only for processes that were started and examined in full: absence of telemetry is no silence. */
function findSilence({ examined, descendants, activity, hasGaps }: Evidence): Citation[] {
  const hasActed = descendants.length > 0 || activity.some((event) => !isProcessStart(event));
  const starts = examined.filter((event) => isProcessStart(event) && textOf(event, 'process.entity_id') !== undefined);
  return hasActed || hasGaps || starts.length < examined.length
    ? []
    : starts.flatMap((event) => cite(event, 'process.entity_id', 'process.command_line'));
}

function antimalwareDetection(event: StoredEvent): Citation[] {
  return textOf(event, 'event.module') === 'windows_defender' && hasCode(event, '1006', '1015', '1116', '1117')
    ? cite(event, 'event.code', 'event.action')
    : [];
}

function citeMatch(event: StoredEvent, pattern: vocabulary.Pattern): Citation[] {
  return isProcessStart(event) && pattern.test(commandOf(event)) ? cite(event, 'process.command_line') : [];
}

function citeEach(events: readonly StoredEvent[], ...fields: string[]): Citation[] {
  return events.flatMap((event) => cite(event, ...fields));
}

/** Windows takes 32,767 characters; what is longer did not run as one command. */
const MAX_COMMAND = 32_767;

function commandOf(event: StoredEvent): string {
  return (textOf(event, 'process.command_line') ?? '').slice(0, MAX_COMMAND);
}

function nameIn(event: StoredEvent, field: string): string {
  return baseName(textOf(event, field) ?? '');
}

function stem(name: string): string {
  return name.replace(/\.(exe|dll|c|bat)$/, '');
}

function isPowerShell(event: StoredEvent): boolean {
  return (
    isProcessStart(event) &&
    (vocabulary.POWERSHELLS.has(nameIn(event, 'process.name')) ||
      nameIn(event, 'process.pe.original_file_name') === 'powershell.exe')
  );
}

function hasCode(event: StoredEvent, ...codes: string[]): boolean {
  return codes.includes(textOf(event, 'event.code') ?? '');
}

function isSysmon(event: StoredEvent, code: string): boolean {
  return textOf(event, 'event.module') === 'sysmon' && hasCode(event, code);
}

function isSecurity(event: StoredEvent, ...codes: string[]): boolean {
  return textOf(event, 'event.module') === 'security' && hasCode(event, ...codes);
}

/** A registry value's key: Sysmon gives both as one path. */
function parentKey(path: string): string {
  return /\\(shell|userinit)$/i.test(path) ? path : path.slice(0, Math.max(0, path.lastIndexOf('\\')));
}

function distinct(events: readonly StoredEvent[]): StoredEvent[] {
  return [...new Map(events.map((event) => [event.id, event])).values()];
}

const NOT_PUBLIC = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  NOT_PUBLIC.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  NOT_PUBLIC.addSubnet(network, prefix, 'ipv6');

/** By the special-purpose address registries of IANA (RFC 6890), as far as hosts meet them. */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  return version !== 0 && !NOT_PUBLIC.check(address, version === 4 ? 'ipv4' : 'ipv6');
}
