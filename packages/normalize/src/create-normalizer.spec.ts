import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createNormalizer, MAX_LINE_BYTES } from './create-normalizer.js';
import { NormalizeError } from './errors.js';
import { writeCanonical } from './json/json-value.js';
import { JsonParser } from './json/parse-json.js';
import type { NormalizedEvent, ReasonCode } from './normalizer.types.js';

const CONTEXT = { eventId: '01999999-0000-7000-8000-000000000001', ingested: '2026-03-04T05:06:10Z' };
const normalizer = createNormalizer();

interface Event {
  '@timestamp': string;
  aurora: { original_base64?: string; fields?: Record<string, unknown>; spec?: { id: string; sha256: string } };
  error?: { code: string; message: string };
  event: Record<string, unknown>;
  winlog?: Record<string, unknown>;
  [member: string]: unknown;
}

const normalize = (line: string | Uint8Array): NormalizedEvent => normalizer.normalize(Buffer.from(line), CONTEXT);
const eventOf = (document: unknown): Event => JSON.parse(normalize(JSON.stringify(document)).json) as Event;
const isCanonical = (json: string): boolean => writeCanonical(new JsonParser().parse(json)) === json;

describe('normalising a line', () => {
  it('never throws, and gives canonical JSON with the receipt, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (line) => {
        const result = normalize(line);
        const event = JSON.parse(result.json) as Event;
        expect(isCanonical(result.json)).toBe(true);
        expect(event.event).toMatchObject({ id: CONTEXT.eventId, hash: hash('sha256', line, 'hex') });
      }),
      { numRuns: 500 },
    );
  });

  it('keeps every object that is JSON, text for text', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 5 }), { minKeys: 1 }),
        (document) => {
          const line = JSON.stringify(document);
          const result = normalize(line);
          const event = JSON.parse(result.json) as Event;
          expect(event.event.original).toBe(line);
          if (result.outcome !== 'parsed' || result.specId !== 'json') return;
          const expected = writeCanonical(new JsonParser().parse(line));
          expect(writeCanonical(new JsonParser().parse(JSON.stringify(event.aurora.fields)))).toBe(expected);
        },
      ),
    );
  });

  it.each<[string, string | Uint8Array, ReasonCode]>([
    ['bytes that are no UTF-8', new Uint8Array([0x7b, 0xff, 0x7d]), 'INVALID_UTF8'],
    ['an overlong encoding', new Uint8Array([0x22, 0xc0, 0x80, 0x22]), 'INVALID_UTF8'],
    ['a surrogate encoded as UTF-8', new Uint8Array([0x22, 0xed, 0xa0, 0x80, 0x22]), 'INVALID_UTF8'],
    ['text that is no JSON', 'Jan  1 00:00:00 host app: hello', 'INVALID_JSON'],
    ['an empty line', '', 'INVALID_JSON'],
    ['half a surrogate pair', '{"a":"\\ud800"}', 'LONE_SURROGATE'],
    ['a key twice', '{"a":1,"a":1}', 'DUPLICATE_KEY'],
    ['deep nesting', '['.repeat(100_000), 'TOO_DEEP'],
    ['a line beyond the limit', `{"a":"${'x'.repeat(MAX_LINE_BYTES)}"}`, 'TOO_LARGE'],
    ['a list', '[{"a":1}]', 'NOT_AN_OBJECT'],
    ['a number', '1', 'NOT_AN_OBJECT'],
  ])('keeps %s as a raw event that says why', (_, line, reason) => {
    const result = normalize(line);
    expect(result).toMatchObject({ outcome: 'raw', reason });
    const event = JSON.parse(result.json) as Event;
    expect(event.event.kind).toBe('pipeline_error');
    expect(event.error?.code).toBe(reason);
    expect(event['@timestamp']).toBe('2026-03-04T05:06:10.000Z');
    if (typeof line === 'string') expect(event.event.original).toBe(line);
    else expect(Buffer.from(event.aurora.original_base64 as string, 'base64')).toEqual(Buffer.from(line));
  });

  it('parses a line at the size limit', () => {
    const line = `{"a":"${'x'.repeat(MAX_LINE_BYTES - 8)}"}`;
    expect(Buffer.byteLength(line)).toBe(MAX_LINE_BYTES);
    expect(normalize(line).outcome).toBe('parsed');
  });

  it('reads past a byte order mark and keeps it in event.original', () => {
    const result = normalize('\ufeff{"a":1}');
    expect(result.outcome).toBe('parsed');
    expect((JSON.parse(result.json) as Event).event.original).toBe('\ufeff{"a":1}');
  });

  it.each([
    ['eventId', { ...CONTEXT, eventId: '' }],
    ['eventId', { ...CONTEXT, eventId: '\ud800' }],
    ['ingested', { ...CONTEXT, ingested: 'now' }],
  ])('refuses a context with a bad %s', (field, context) => {
    expect(() => normalizer.normalize(Buffer.from('{}'), context)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONTEXT', field }) as NormalizeError,
    );
  });
});

describe('Windows events', () => {
  const sysmon = (data: unknown, more: object = {}): unknown => ({
    Event: {
      System: {
        Provider: { '#attributes': { Name: 'Microsoft-Windows-Sysmon' } },
        EventID: 1,
        TimeCreated: { '#attributes': { SystemTime: '2026-03-04T05:06:07Z' } },
        Channel: 'Microsoft-Windows-Sysmon/Operational',
      },
      EventData: data,
      ...more,
    },
  });

  it('carry every parameter under its own name, with its value as it was', () => {
    const values = fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer(), fc.boolean(), fc.constant(null));
    const data = fc.dictionary(fc.string({ unit: 'grapheme' }), values, { minKeys: 1, noNullPrototype: true });
    fc.assert(
      fc.property(data, (parameters) => {
        expect(eventOf(sysmon(parameters)).winlog?.event_data).toEqual(JSON.parse(JSON.stringify(parameters)));
      }),
    );
  });

  it.each([[null], [''], [{}]])('without parameters (%j) have no winlog.event_data', (data) => {
    expect(eventOf(sysmon(data)).winlog).not.toHaveProperty('event_data');
  });

  it('keep EventData that is no object among the rest', () => {
    expect(eventOf(sysmon(['a'])).aurora.fields).toEqual({ Event: { EventData: ['a'] } });
  });

  it('keep UserData among the rest when there is EventData, too', () => {
    const event = eventOf(sysmon({ Image: 'a' }, { UserData: { Inner: { b: 1 } } }));
    expect(event.winlog?.event_data).toEqual({ Image: 'a' });
    expect(event.aurora.fields).toEqual({ Event: { UserData: { Inner: { b: 1 } } } });
  });

  it('drop a value that a field cannot use without losing the parameter', () => {
    const event = eventOf(sysmon({ ProcessId: 'not a number', Image: ['x'] }));
    expect(event).not.toHaveProperty('process');
    expect(event.winlog?.event_data).toEqual({ ProcessId: 'not a number', Image: ['x'] });
  });

  it('are recognised by provider in any case', () => {
    const line = { EventID: '1', SourceName: 'MICROSOFT-WINDOWS-SYSMON', Image: 'C:\\a.exe' };
    expect(normalize(JSON.stringify(line))).toMatchObject({ specId: 'windows.sysmon' });
  });

  it('are not looked up on Object.prototype', () => {
    const event = eventOf({
      EventID: 'constructor',
      Channel: 'Security',
      SourceName: 'Microsoft-Windows-Security-Auditing',
    });
    expect(event.event).toMatchObject({ code: 'constructor' });
    expect(event.event).not.toHaveProperty('action');
  });

  it.each([
    ['nested', { winlog: { event_id: 1, event_data: { 'a.b': 'c' } } }],
    ['dotted', { 'winlog.event_id': 1, 'winlog.event_data.a.b': 'c' }],
    ['half dotted', { 'winlog.event_id': 1, winlog: { 'event_data.a.b': 'c' } }],
    ['with the last object under a dotted key', { 'winlog.event_id': 1, 'winlog.event_data': { 'a.b': 'c' } }],
  ])('of Winlogbeat are the same %s', (_, document) => {
    expect(eventOf(document).winlog).toEqual({ event_id: '1', event_data: { 'a.b': 'c' } });
  });

  it('of Winlogbeat keep valid ECS in place, and event data decides where both say something', () => {
    const event = eventOf({
      '@timestamp': '2026-03-04T05:06:07Z',
      event: { code: '1', provider: 'Microsoft-Windows-Sysmon', action: 'Process creation', outcome: 'success' },
      process: { pid: 'x', executable: 'C:\\moved.exe', args: ['a'], title: null, own: 1 },
      host: { ip: ['192.0.2.1', '?'] },
      user: { name: 'bob', roles: 'admin' },
      winlog: { channel: 'Microsoft-Windows-Sysmon/Operational', event_id: 1, event_data: { Image: 'C:\\own.exe' } },
    });
    expect(event.process).toEqual({ args: ['a'], executable: 'C:\\own.exe', name: 'own.exe' });
    expect(event.user).toEqual({ name: 'bob', roles: ['admin'] });
    expect(event.event).toMatchObject({ action: 'process-created', outcome: 'success' });
    expect(event.aurora.fields).toEqual({ host: { ip: ['192.0.2.1', '?'] }, process: { own: 1, pid: 'x' } });
  });
});
