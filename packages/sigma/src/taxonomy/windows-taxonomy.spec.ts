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
});
