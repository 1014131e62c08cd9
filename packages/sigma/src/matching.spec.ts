import { describe, expect, it } from 'vitest';
import { createEngine } from './engine/engine.js';
import type { EventDocument, EventValue } from './event/event-document.js';
import { interpret } from './interpret.js';
import { cpuMsOf } from './testing/cpu-time.js';
import { parseDetection } from './testing/example-rules.js';
import { sysmonEvent } from './testing/sysmon-event.js';

/** Engine and interpreter must agree before their answer counts. */
function matches(detection: string, event: EventDocument): boolean {
  const rule = parseDetection(detection);
  const [byEngine, byInterpreter] = [createEngine([rule]).match(event).length, interpret([rule], event).length];
  expect(byEngine).toBe(byInterpreter);
  return byEngine === 1;
}

/** Whether a selection of one map matches a process creation with these fields. */
function selects(selection: string, eventData: Readonly<Record<string, EventValue>>): boolean {
  return matches(`{ sel: { ${selection} }, condition: sel }`, sysmonEvent(eventData));
}

describe('missing, null and empty fields', () => {
  it('are three different states', () => {
    const states = [{}, { User: null }, { User: '' }, { User: 'x' }];
    const ask = (selection: string) => states.map((state) => selects(selection, state));
    expect(ask('User: null')).toEqual([true, true, false, false]);
    expect(ask("User: ''")).toEqual([false, false, true, false]);
    expect(ask('User|exists: true')).toEqual([false, true, true, true]);
    expect(ask('User|exists: false')).toEqual([true, false, false, false]);
    expect(ask("User: '*'")).toEqual([false, false, true, true]);
    expect(ask("User: '?*'")).toEqual([false, false, false, true]);
  });

  it('match under not, because what is absent is not equal', () => {
    const detection = '{ sel: { Image: a }, filter: { User: SYSTEM }, condition: sel and not filter }';
    expect(matches(detection, sysmonEvent({ Image: 'a' }))).toBe(true);
    expect(matches(detection, sysmonEvent({ Image: 'a', User: 'system' }))).toBe(false);
  });

  it('match neq for the same reason', () => {
    expect(selects('User|neq: SYSTEM', {})).toBe(true);
    expect(selects('User|neq: [SYSTEM, root]', { User: 'root' })).toBe(false);
    expect(selects('User|neq: [SYSTEM, root]', { User: 'bob' })).toBe(true);
    expect(selects('User|neq: null', { User: 'bob' })).toBe(true);
  });

  it('treat an object as a value that is no text, and a list of nothing as null', () => {
    expect(selects('User: null', { User: { id: 1 } })).toBe(false);
    expect(selects("User: '*'", { User: { id: 1 } })).toBe(false);
    expect(selects('User: null', { User: [] })).toBe(true);
    expect(selects('User: null', { User: [null] })).toBe(true);
  });
});

describe('lists', () => {
  it('match when any element does', () => {
    expect(selects('User|startswith: adm', { User: ['bob', 'Admin'] })).toBe(true);
    expect(selects('User|startswith: adm', { User: ['bob', ['eve']] })).toBe(false);
    expect(selects('User: eve', { User: ['bob', ['eve']] })).toBe(true);
  });

  it('may satisfy all of several values with different elements', () => {
    expect(selects('User|contains|all: [ad, ob]', { User: ['admin', 'bob'] })).toBe(true);
    expect(selects('User|contains|all: [ad, eve]', { User: ['admin', 'bob'] })).toBe(false);
  });
});

describe('wildcards and escapes', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['a\\*b', 'a*b', true],
    ['a\\*b', 'axb', false],
    ['a\\\\*b', 'a\\xxb', true],
    ['a\\\\*b', 'a*b', false],
    ['a\\\\\\*b', 'a\\*b', true],
    ['a\\b', 'a\\b', true],
    ['a\\\\b', 'a\\b', true],
    ['a\\\\\\\\b', 'a\\\\b', true],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['a?c', 'a😀c', true],
    ['a??c', 'a😀c', false],
    ['*?b', 'b', false],
    ['a*b*c', 'aXbYc', true],
    ['a*b*c', 'aXcYb', false],
    ['a*a', 'a', false],
  ];
  it.each(cases)('%s against %s gives %s', (pattern, text, expected) => {
    expect(selects(`User: '${pattern}'`, { User: text })).toBe(expected);
  });

  it('take a trailing backslash as part of the text, also when the value is opened behind it', () => {
    expect(selects("Image|startswith: 'C:\\Temp\\'", { Image: 'C:\\Temp\\a.exe' })).toBe(true);
    expect(selects("Image|contains: '\\Temp\\'", { Image: 'C:\\Temp' })).toBe(false);
  });

  it('are decided in milliseconds where backtracking would not end', () => {
    const rule = parseDetection("{ sel: { User: '*a*a*a*a*a*a*a*a*?b*' }, condition: sel }");
    const event = sysmonEvent({ User: 'a'.repeat(60_000) });
    expect(cpuMsOf(() => expect(createEngine([rule]).match(event)).toHaveLength(0))).toBeLessThan(500);
  });
});

describe('case', () => {
  it('is folded on both sides by the same rule', () => {
    expect(selects('User: ΟΔΟΣ', { User: 'οδος' })).toBe(true);
    expect(selects('User|contains: ΟΔΟΣ', { User: 'xΟΔΟΣx' })).toBe(true);
    expect(selects('User: kelvin', { User: '\u212aelvin' })).toBe(true);
    expect(selects('User: İ', { User: 'i̇' })).toBe(true);
    expect(selects('User: s', { User: 'ſ' })).toBe(false);
  });

  it('counts for cased values, regular expressions and Base64', () => {
    expect(selects('User|cased: Admin', { User: 'admin' })).toBe(false);
    expect(selects('User|contains|cased: Adm', { User: 'xAdmin' })).toBe(true);
    expect(selects("User|re: 'Adm'", { User: 'admin' })).toBe(false);
    expect(selects("User|re|i: 'Adm'", { User: 'admin' })).toBe(true);
    const encoded = Buffer.from('xxhttp://').toString('base64');
    expect(selects("CommandLine|base64offset|contains: 'http://'", { CommandLine: encoded })).toBe(true);
    expect(selects("CommandLine|base64offset|contains: 'http://'", { CommandLine: encoded.toLowerCase() })).toBe(false);
  });
});

describe('numbers and booleans', () => {
  it('are compared as text', () => {
    expect(selects('ProcessId: 1', { ProcessId: '1' })).toBe(true);
    expect(selects("ProcessId: '1'", { ProcessId: 1 })).toBe(true);
    expect(selects('Initiated: true', { Initiated: 'True' })).toBe(true);
    expect(selects("Initiated: 'true'", { Initiated: true })).toBe(true);
  });

  it('keep every digit beyond 2^53', () => {
    expect(selects('Keywords: 9232379236109516800', { Keywords: '9232379236109516800' })).toBe(true);
    expect(selects('Keywords: 9232379236109516801', { Keywords: '9232379236109516800' })).toBe(false);
  });

  it('are ordered as numbers, never as text, and text that is no number is in no order', () => {
    expect(selects('ProcessId|lt: 20', { ProcessId: '9' })).toBe(true);
    expect(selects('ProcessId|gte: 16', { ProcessId: '0x10' })).toBe(true);
    expect(selects('ProcessId|lt: 20', { ProcessId: '' })).toBe(false);
    expect(selects('ProcessId|gt: -1', { ProcessId: 'many' })).toBe(false);
  });
});

describe('networks', () => {
  const filter =
    "{ sel: { DestinationIp: '*' }, filter: { DestinationIp|cidr: ['127.0.0.0/8', '::1/128', 'fe80::/10'] }, condition: sel and not filter }";
  it('cover IPv6, so that a negated filter keeps local traffic out', () => {
    for (const address of ['127.0.0.1', '::1', 'fe80::1234', 'FE80::1%12', '::ffff:127.0.0.1', '0:0:0:0:0:0:0:1'])
      expect(matches(filter, sysmonEvent({ DestinationIp: address }))).toBe(false);
    for (const address of ['8.8.8.8', '2001:db8::1', 'fec0::1', 'no address'])
      expect(matches(filter, sysmonEvent({ DestinationIp: address }))).toBe(true);
  });
});

describe('windash', () => {
  it('finds every dash of a flag, but not inside a word', () => {
    for (const dash of ['-', '/', '–', '—', '―'])
      expect(selects("CommandLine|contains|windash: ' -param-name'", { CommandLine: `x ${dash}Param-name` })).toBe(
        true,
      );
    expect(selects("CommandLine|contains|windash: ' -param-name'", { CommandLine: 'x -param/name' })).toBe(false);
    expect(selects("CommandLine|contains|windash: ' /q'", { CommandLine: 'del -q' })).toBe(true);
  });
});

describe('keywords', () => {
  it('are searched in every value at any depth, but not in what AuroraSOC itself noted', () => {
    const detection = "{ words: ['drop table'], condition: words }";
    const event = sysmonEvent({ Data: [{ deep: 'x DROP TABLE y' }] });
    expect(matches(detection, event)).toBe(true);
    expect(matches(detection, { ...sysmonEvent({}), aurora: { note: 'drop table' } })).toBe(false);
    expect(matches(detection, { ...sysmonEvent({}), aurora: { fields: { x: 'drop table' } } })).toBe(true);
  });

  it('can be asked for together, in different values', () => {
    expect(matches("{ w: { '|all': [one, two] }, condition: w }", sysmonEvent({ A: 'one', B: 'two' }))).toBe(true);
    expect(matches("{ w: { '|all': [one, two] }, condition: w }", sysmonEvent({ A: 'one' }))).toBe(false);
  });
});

describe('field names', () => {
  it('are own properties only', () => {
    expect(selects('constructor|exists: true', {})).toBe(false);
    expect(selects('__proto__|exists: true', {})).toBe(false);
    expect(selects('constructor: x', { constructor: 'x' })).toBe(true);
    const event = JSON.parse('{"winlog":{"channel":"Security","event_id":"4688","event_data":{"__proto__":"x"}}}');
    expect(matches('{ sel: { __proto__: x }, condition: sel }', event)).toBe(true);
  });
});

describe('hostile events', () => {
  it('nested a hundred thousand deep are searched without exhausting the stack', () => {
    const depth = 100_000;
    const nested = JSON.parse(`${'['.repeat(depth)}"needle"${']'.repeat(depth)}`);
    expect(selects('User: needle', { User: nested })).toBe(true);
    expect(matches('{ w: [needle], condition: w }', sysmonEvent({ User: nested }))).toBe(true);
  });

  it('cannot make a regular expression run away', () => {
    const rule = parseDetection("{ sel: { User|re: '^(a+)+$' }, condition: sel }");
    const event = sysmonEvent({ User: `${'a'.repeat(50_000)}!` });
    expect(cpuMsOf(() => expect(createEngine([rule]).match(event)).toHaveLength(0))).toBeLessThan(1_000);
  });
});

describe('time parts', () => {
  it('are read from the date as written', () => {
    const date = { UtcTime: '2021-01-03 23:59:10.500' };
    expect(selects('UtcTime|hour: 23', date)).toBe(true);
    expect(selects('UtcTime|minute: 59', date)).toBe(true);
    expect(selects('UtcTime|day: 3', date)).toBe(true);
    expect(selects('UtcTime|month: 1', date)).toBe(true);
    expect(selects('UtcTime|year: 2021', date)).toBe(true);
    expect(selects('UtcTime|week: 53', date)).toBe(true);
    expect(selects('UtcTime|hour|lt: 6', date)).toBe(false);
    expect(selects('UtcTime|hour: 0', { UtcTime: '2021-01-03' })).toBe(false);
  });
});

describe('field references', () => {
  it('compare two fields of the event, and miss when either is missing', () => {
    expect(selects('User|fieldref: ParentUser', { User: 'A', ParentUser: 'a' })).toBe(true);
    expect(selects('User|fieldref|cased: ParentUser', { User: 'A', ParentUser: 'a' })).toBe(false);
    expect(selects('User|fieldref: ParentUser', { User: 'A' })).toBe(false);
    expect(
      selects('Image|fieldref|endswith: OriginalFileName', { Image: 'C:\\x\\A.exe', OriginalFileName: 'a.EXE' }),
    ).toBe(true);
  });
});
