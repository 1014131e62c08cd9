/**
 * The same attacks as different shippers lay them out. The events are the golden ones of packages/normalize, whose own
 * specs prove that each shipper's line becomes exactly this event.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createEngine, type EventDocument, interpret, parseRules } from '../index.js';

const FOLDER = new URL('../../../normalize/testdata/', import.meta.url);
const NAMES = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.expected.json'))
  .map((file) => file.slice(0, -'.expected.json'.length));
const SHAPES = [
  'xmltodict',
  'named-list',
  'evtxecmd',
  'velociraptor',
  'wazuh',
  'flat-eventdata',
  'get-winevent',
  'winlogbeat-ecs',
];

const RULES = `
title: shadow copies deleted
logsource: { product: windows, category: process_creation }
detection:
  tool: { Image|endswith: '\\vssadmin.exe', OriginalFileName: VSSADMIN.EXE }
  order: { CommandLine|contains|all: [delete, shadows], CurrentDirectory|startswith: 'C:\\Users\\' }
  parent: { ParentImage|endswith: '\\powershell.exe', ParentCommandLine|contains: ' -EncodedCommand ' }
  who: { User: 'CORP\\mallory', IntegrityLevel: High }
  hash: { Hashes|contains: 'SHA256=3333333333333333333333333333333333333333333333333333333333333333' }
  condition: all of them
---
title: shadow copies deleted, by event id
logsource: { product: windows, service: sysmon }
detection:
  sel: { EventID: 1, Provider_Name: Microsoft-Windows-Sysmon, Image|endswith: '\\vssadmin.exe', Computer|startswith: ws07 }
  condition: sel
---
title: lsass read
logsource: { product: windows, category: process_access }
detection:
  sel: { TargetImage|endswith: '\\lsass.exe', GrantedAccess|endswith: '1410', SourceImage|contains: '\\Temp\\', SourceUser: 'CORP\\mallory' }
  system: { SourceImage|startswith: 'C:\\Windows\\' }
  condition: sel and not system
---
title: encoded powershell
logsource: { product: windows, category: process_creation }
detection:
  sel: { Image|endswith: '\\powershell.exe', CommandLine|contains: ' -EncodedCommand ', ParentImage|endswith: '\\cmd.exe' }
  condition: sel
---
title: encoded powershell, by event id
logsource: { product: windows, service: security }
detection:
  sel: { EventID: 4688, NewProcessName|endswith: '\\powershell.exe', ParentProcessName|endswith: '\\cmd.exe', CommandLine|contains: ' -EncodedCommand ' }
  condition: sel
---
title: shadow copies deleted by a script
logsource: { product: windows, category: ps_script }
detection:
  sel: { ScriptBlockText|contains|all: [vssadmin, delete, shadows] }
  condition: sel
`;

const TITLES_OF_ATTACK: Readonly<Record<string, readonly string[]>> = {
  vssadmin: ['shadow copies deleted', 'shadow copies deleted, by event id'],
  lsass: ['lsass read'],
  'encoded-powershell': ['encoded powershell', 'encoded powershell, by event id'],
};

const { rules, errors } = parseRules(RULES, 'shapes.yml');
const engine = createEngine(rules);

function read(name: string): EventDocument {
  return JSON.parse(readFileSync(new URL(`${name}.expected.json`, FOLDER), 'utf8')) as EventDocument;
}

function titlesOf(event: EventDocument): string[] {
  const titles = engine.match(event).map(({ title }) => title);
  expect(interpret(rules, event).map(({ title }) => title)).toEqual(titles);
  return titles.sort();
}

describe('rules with Windows field names', () => {
  it('are all read', () => {
    expect(errors).toEqual([]);
  });

  const attacks = SHAPES.flatMap((shape) =>
    Object.entries(TITLES_OF_ATTACK).map(([attack, titles]) => [`${shape}-${attack}`, titles] as const),
  );
  it.each(attacks)('find the attack in %s, and nothing else', (name, titles) => {
    expect(titlesOf(read(name))).toEqual(titles);
  });

  it('find a parameter that stands alone, where a list would have had one entry', () => {
    expect(titlesOf(read('xmltodict-single-parameter'))).toEqual(['shadow copies deleted by a script']);
  });

  it('find the attack in ECS of which the shipper dropped all of the event log but provider and code', () => {
    // IntegrityLevel has no place in ECS, so the rule that asks for it cannot match.
    expect(titlesOf(read('ecs-vssadmin'))).toEqual(['shadow copies deleted, by event id']);
  });

  it('find nothing in events of other kinds', () => {
    const known = new Set([...attacks.map(([name]) => name), 'xmltodict-single-parameter', 'ecs-vssadmin']);
    const others = NAMES.filter((name) => !known.has(name));
    expect(others).not.toEqual([]);
    expect(others.filter((name) => titlesOf(read(name)).length > 0)).toEqual([]);
  });
});
