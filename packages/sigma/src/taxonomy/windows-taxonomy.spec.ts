import { describe, expect, it } from 'vitest';
import { createEngine } from '../engine/engine.js';
import type { EventDocument } from '../event/event-document.js';
import { interpret } from '../interpret.js';
import { parseRules } from '../rule/parse-rules.js';
import { sysmonEvent } from '../testing/sysmon-event.js';
import { windowsTaxonomy } from './windows-taxonomy.js';

const classify = (event: EventDocument) => windowsTaxonomy.classifyEvent(event);
const windowsEvent = (channel: string, eventId: string | number, eventData: EventDocument = {}): EventDocument => ({
  winlog: { channel, event_id: eventId, event_data: eventData },
});

function matches(logsource: string, selection: string, event: EventDocument): boolean {
  const { rules } = parseRules(
    `title: t\nlogsource: ${logsource}\ndetection: { sel: ${selection}, condition: sel }`,
    't',
  );
  expect(rules).toHaveLength(1);
  const found = createEngine(rules).match(event).length;
  expect(interpret(rules, event)).toHaveLength(found);
  return found === 1;
}

describe('windowsTaxonomy.classifyEvent', () => {
  it.each([
    ['1', ['process_creation']],
    ['11', ['file_event']],
    ['13', ['registry_event', 'registry_set']],
    ['26', ['file_delete', 'file_delete_detected']],
    ['255', ['sysmon_error']],
    ['999', []],
  ])('knows Sysmon event %s', (eventId, categories) => {
    expect(classify(sysmonEvent({}, eventId))).toEqual({ product: 'windows', services: ['sysmon'], categories });
  });

  it('tells the creation of a registry object from its deletion', () => {
    expect(classify(sysmonEvent({ EventType: 'CreateKey' }, '12')).categories).toEqual([
      'registry_event',
      'registry_add',
    ]);
    expect(classify(sysmonEvent({ EventType: 'DeleteValue' }, '12')).categories).toEqual([
      'registry_event',
      'registry_delete',
    ]);
    expect(classify(sysmonEvent({}, '12')).categories).toContain('registry_add');
    expect(classify(windowsEvent('System', '12', { EventType: 'CreateKey' })).categories).toEqual([]);
  });

  it('reads channels without regard to case and event ids as text or number', () => {
    expect(classify(windowsEvent('SECURITY', 4688))).toEqual({
      product: 'windows',
      services: ['security'],
      categories: ['process_creation'],
    });
    expect(classify(windowsEvent('PowerShellCore/Operational', 4104))).toMatchObject({
      services: ['powershell'],
      categories: ['ps_script'],
    });
    expect(classify(windowsEvent('Some Vendor/Log', 1))).toEqual({ product: 'windows', services: [], categories: [] });
  });

  it('takes Sysmon for Linux as Linux', () => {
    expect(classify(windowsEvent('Linux-Sysmon/Operational', '1'))).toMatchObject({
      product: 'linux',
      categories: ['process_creation'],
    });
  });

  it('reads other sources from ECS, and takes a declared log source as it is', () => {
    const cloud = { event: { module: 'aws', dataset: 'aws.cloudtrail' } };
    expect(classify(cloud)).toEqual({ product: 'aws', services: ['aws.cloudtrail', 'cloudtrail'], categories: [] });
    expect(classify({ ...cloud, aurora: { logsource: { category: 'Proxy' } } })).toEqual({
      product: null,
      services: [],
      categories: ['proxy'],
    });
    const start = { host: { os: { type: 'linux' } }, event: { category: ['process'], type: ['start'] } };
    expect(classify(start)).toEqual({ product: 'linux', services: [], categories: ['process_creation'] });
  });
});

describe('windowsTaxonomy.fieldPaths', () => {
  const processCreation = '{ product: windows, category: process_creation }';

  it('finds the header fields of Windows events', () => {
    const event = sysmonEvent({});
    for (const field of [
      'EventID: 1',
      'Channel|startswith: Microsoft-Windows-Sysmon',
      'Provider_Name: Microsoft-Windows-Sysmon',
      'Computer: WS01.example.org',
    ])
      expect(matches('{ product: windows }', `{ ${field} }`, event)).toBe(true);
  });

  it('finds names that the event writes with spaces', () => {
    const defender = windowsEvent('Microsoft-Windows-Windows Defender/Operational', '1116', {
      'Threat Name': 'EICAR',
      Path: 'C:\\x',
    });
    expect(matches('{ product: windows, service: windefend }', '{ ThreatName: eicar }', defender)).toBe(true);
    expect(matches('{ category: antivirus }', '{ Signature: eicar, Filename|startswith: C }', defender)).toBe(true);
  });

  it('reads Security 4688 under the names of Sysmon, in process creation rules only', () => {
    const event = windowsEvent('Security', '4688', {
      NewProcessName: 'C:\\a.exe',
      ParentProcessName: 'C:\\p.exe',
      NewProcessId: '0x10',
      ProcessId: '0x4',
    });
    expect(
      matches(processCreation, '{ Image|endswith: a.exe, ParentImage|endswith: p.exe, ProcessId: 0x10 }', event),
    ).toBe(false);
    expect(
      matches(processCreation, "{ Image|endswith: a.exe, ParentImage|endswith: p.exe, ProcessId: '0x10' }", event),
    ).toBe(true);
    expect(matches('{ product: windows, service: security }', '{ Image|endswith: a.exe }', event)).toBe(false);
    expect(matches('{ product: windows, service: security }', "{ ProcessId: '0x4' }", event)).toBe(true);
  });

  it('takes fields of other products as ECS paths, through lists', () => {
    const event = { event: { module: 'aws', dataset: 'aws.cloudtrail' }, a: [{ b: 'x' }, { b: ['y'] }, 'z'] };
    expect(matches('{ product: aws, service: cloudtrail }', '{ a.b: y }', event)).toBe(true);
    expect(matches('{ product: aws, service: cloudtrail }', '{ a.c|exists: false }', event)).toBe(true);
  });

  it('falls back to the source’s own fields that no mapping names', () => {
    const event = {
      event: { module: 'aws', dataset: 'aws.cloudtrail' },
      aurora: { fields: { request: { name: 'x' } } },
    };
    expect(matches('{ product: aws, service: cloudtrail }', '{ request.name: x }', event)).toBe(true);
  });

  it('knows the ECS names behind generic process fields', () => {
    const event = {
      host: { os: { type: 'linux' } },
      event: { category: ['process'], type: ['start'] },
      process: { executable: '/usr/bin/curl', command_line: 'curl http://x' },
    };
    expect(
      matches(
        '{ product: linux, category: process_creation }',
        "{ Image|endswith: /curl, CommandLine|contains: 'http:' }",
        event,
      ),
    ).toBe(true);
  });

  describe('where the shipper moved the parameters to ECS', () => {
    const moved = (eventId: string, fields: EventDocument, eventData: EventDocument = {}): EventDocument => ({
      ...sysmonEvent(eventData, eventId),
      ...fields,
    });
    const cases: readonly (readonly [string, string, EventDocument])[] = [
      ['process_creation', "{ User: 'CORP\\bob' }", moved('1', { user: { name: 'bob', domain: 'CORP' } })],
      ['process_creation', '{ User: bob }', moved('1', { user: { name: 'bob' } })],
      [
        'process_creation',
        "{ Hashes|contains|all: ['MD5=ab', 'IMPHASH=CD'] }",
        moved('1', { process: { hash: { md5: 'ab' }, pe: { imphash: 'cd' } } }),
      ],
      [
        'network_connection',
        "{ Initiated: 'true', DestinationIp|cidr: 192.0.2.0/24, DestinationPort: 443 }",
        moved('3', { network: { direction: 'egress' }, destination: { ip: '192.0.2.1', port: 443 } }),
      ],
      ['file_event', "{ TargetFilename|endswith: '\\x.ps1' }", moved('11', { file: { path: 'C:\\x.ps1' } })],
      ['image_load', "{ ImageLoaded|endswith: '\\x.dll' }", moved('7', { file: { path: 'C:\\x.dll' } })],
      [
        'dns_query',
        '{ QueryName: www.example.test }',
        moved('22', { dns: { question: { name: 'www.example.test' } } }),
      ],
      ['pipe_created', "{ PipeName: '\\x' }", moved('17', { file: { name: '\\x' } })],
      [
        'registry_set',
        "{ TargetObject|startswith: 'HKLM\\', Details: 'DWORD (0x0000000a)' }",
        moved('13', { registry: { path: 'HKLM\\x', data: { type: 'SZ_DWORD', strings: ['10'] } } }),
      ],
      [
        'registry_set',
        '{ Details: "10" }',
        moved('13', { registry: { path: 'HKLM\\x', data: { type: 'SZ_SZ', strings: ['10'] } } }),
      ],
      [
        'create_remote_thread',
        "{ SourceImage|endswith: '\\a.exe' }",
        moved('8', { process: { executable: 'C:\\a.exe' } }),
      ],
    ];

    it.each(cases)('finds, for %s, %s', (category, selection, event) => {
      expect(matches(`{ product: windows, category: ${category} }`, selection, event)).toBe(true);
    });

    it('takes the event log’s own value first, and no value for one that has no word', () => {
      const event = moved(
        '3',
        { process: { executable: 'moved.exe' }, network: { direction: 'sideways' } },
        { Image: 'own.exe' },
      );
      const networkConnection = '{ product: windows, category: network_connection }';
      expect(matches(networkConnection, '{ Image: own.exe }', event)).toBe(true);
      expect(matches(networkConnection, '{ Image: moved.exe }', event)).toBe(false);
      expect(matches(networkConnection, '{ Initiated|exists: false }', event)).toBe(true);
    });

    it('keeps to the log source: what is a process elsewhere is none in a rule about others', () => {
      const event = windowsEvent('Application', '1', {});
      const withProcess = { ...event, process: { executable: 'C:\\a.exe' } };
      expect(matches('{ product: windows, service: application }', '{ Image|exists: true }', withProcess)).toBe(false);
    });

    it('reads Security and PowerShell, too', () => {
      const logon = { ...windowsEvent('Security', '4625'), source: { ip: '192.0.2.1' } };
      expect(matches('{ product: windows, service: security }', '{ IpAddress: 192.0.2.1 }', logon)).toBe(true);
      const script = {
        ...windowsEvent('Microsoft-Windows-PowerShell/Operational', '4104'),
        aurora: { fields: { powershell: { file: { script_block_text: 'iex x' } } } },
      };
      expect(matches('{ product: windows, category: ps_script }', '{ ScriptBlockText|contains: iex }', script)).toBe(
        true,
      );
    });
  });

  it('knows the log of a Windows event by its provider where the channel, or all of winlog, is missing', () => {
    const ecs = { event: { provider: 'Microsoft-Windows-Sysmon', code: '1', module: 'x' } };
    const expected = { product: 'windows', services: ['sysmon'], categories: ['process_creation'] };
    expect(classify(ecs)).toEqual(expected);
    expect(classify({ winlog: { provider_name: 'Microsoft-Windows-Sysmon', event_id: '1' } })).toEqual(expected);
    expect(classify({ event: { provider: 'other', code: '1', module: 'x' } }).product).toBe('x');
    expect(matches('{ product: windows, service: sysmon }', '{ EventID: 1 }', ecs)).toBe(true);
  });

  it('takes Elastic Defend’s events for those of the host’s system', () => {
    const event = {
      event: { module: 'endpoint', category: ['process'], type: ['start'] },
      host: { os: { type: 'windows' } },
      process: { executable: 'C:\\a.exe' },
    };
    const processCreation = '{ product: windows, category: process_creation }';
    expect(matches(processCreation, "{ Image|endswith: '\\a.exe' }", event)).toBe(true);
  });
});
