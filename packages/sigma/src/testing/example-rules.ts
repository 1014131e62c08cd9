/** Small rules of our own that together use every construct: the ground of the differential test. */
import { parseRules } from '../rule/parse-rules.js';
import type { SigmaRule } from '../rule/rule.js';

const PROCESS_CREATION = 'logsource: { product: windows, category: process_creation }';

/** Detections by the construct they stand for; each is a flow map of YAML. */
export const EXAMPLE_DETECTIONS: Readonly<Record<string, string>> = {
  'a whole value': `{ sel: { Image: 'C:\\Windows\\System32\\whoami.exe' }, condition: sel }`,
  'a list of values': `{ sel: { Image: [whoami.exe, hostname.exe, 4711] }, condition: sel }`,
  contains: `{ sel: { CommandLine|contains: 'mimi katz' }, condition: sel }`,
  'contains, all of a list': `{ sel: { CommandLine|contains|all: [' -enc', 'bypass', 'σίσυφος'] }, condition: sel }`,
  startswith: `{ sel: { Image|startswith: ['C:\\Users\\Public\\', 'D:\\'] }, condition: sel }`,
  endswith: `{ sel: { Image|endswith: ['\\cmd.exe', '\\pwsh.exe'] }, condition: sel }`,
  'several fields': `{ sel: { Image|endswith: '\\net.exe', CommandLine|contains: [' user ', ' group '] }, condition: sel }`,
  'a list of maps': `{ sel: [{ Image|endswith: '\\sc.exe' }, { OriginalFileName: sc.exe }], condition: sel }`,
  'inner wildcards': `{ sel: { CommandLine: 'copy * \\\\*\\c$\\*' }, condition: sel }`,
  'a single-character wildcard': `{ sel: { Image|endswith: '\\a?.e?e' }, condition: sel }`,
  'escaped wildcards': `{ sel: { CommandLine|contains: 'what\\? \\*all\\*' }, condition: sel }`,
  'only a wildcard': `{ sel: { User: '*' }, condition: sel }`,
  'a wildcard that needs a character': `{ sel: { User: '?*' }, condition: sel }`,
  'an escaped backslash before a wildcard': `{ sel: { Image: 'C:\\temp\\\\*' }, condition: sel }`,
  'the empty value': `{ sel: { User: '' }, condition: sel }`,
  null: `{ sel: { User: null }, condition: sel }`,
  'null or text': `{ sel: { User: [null, '', '-'] }, condition: sel }`,
  exists: `{ sel: { ParentImage|exists: true }, condition: sel }`,
  'does not exist': `{ sel: { ParentImage|exists: false, Image|endswith: '\\cmd.exe' }, condition: sel }`,
  cased: `{ sel: { CommandLine|contains|cased: 'PowerShell' }, condition: sel }`,
  'cased whole value': `{ sel: { User|cased: [Admin, SYSTEM] }, condition: sel }`,
  neq: `{ sel: { Image|endswith: '\\cmd.exe', User|neq: SYSTEM }, condition: sel }`,
  'neq of a list': `{ sel: { User|contains|neq: [adm, sys] }, condition: sel }`,
  re: `{ sel: { CommandLine|re: '\\s-[eE]n?c?\\s+[A-Za-z0-9+/]{4,}' }, condition: sel }`,
  're without case': `{ sel: { CommandLine|re|i: 'bypass|hidden' }, condition: sel }`,
  're over lines': `{ sel: { CommandLine|re|m: '^second$' }, condition: sel }`,
  're with dotall': `{ sel: { CommandLine|re|s: 'first.second' }, condition: sel }`,
  'cidr, IPv4': `{ sel: { DestinationIp|cidr: [10.0.0.0/8, 192.168.4.0/22] }, condition: sel }`,
  'cidr, IPv6': `{ sel: { DestinationIp|cidr: ['fe80::/10', '::1/128'] }, condition: sel }`,
  'not in a local network': `{ sel: { DestinationIp: '*' }, filter: { DestinationIp|cidr: [10.0.0.0/8, 'fe80::/10'] }, condition: sel and not filter }`,
  base64: `{ sel: { CommandLine|base64|contains: 'Invoke-Expression' }, condition: sel }`,
  base64offset: `{ sel: { CommandLine|base64offset|contains: 'http://' }, condition: sel }`,
  'wide base64offset': `{ sel: { CommandLine|wide|base64offset|contains: 'IEX' }, condition: sel }`,
  'utf16 base64': `{ sel: { CommandLine|utf16|base64: 'cmd' }, condition: sel }`,
  'utf16be base64': `{ sel: { CommandLine|utf16be|base64|contains: 'cmd' }, condition: sel }`,
  windash: `{ sel: { CommandLine|contains|windash: ' -accepteula' }, condition: sel }`,
  'windash, several flags': `{ sel: { CommandLine|windash: 'reg /s /q*' }, condition: sel }`,
  expand: `{ sel: { User|expand: 'CORP\\%admins%' }, condition: sel }`,
  fieldref: `{ sel: { User|fieldref: ParentUser }, condition: sel }`,
  'fieldref, endswith': `{ sel: { Image|fieldref|endswith: OriginalFileName }, condition: sel }`,
  'fieldref, cased and negated': `{ sel: { User|fieldref|cased|neq: ParentUser }, condition: sel }`,
  lt: `{ sel: { ProcessId|lt: 100 }, condition: sel }`,
  'gte and lte': `{ sel: { ProcessId|gte: 100, TerminalSessionId|lte: 1.5 }, condition: sel }`,
  gt: `{ sel: { TerminalSessionId|gt: -1 }, condition: sel }`,
  hour: `{ sel: { UtcTime|hour: [22, 23] }, condition: sel }`,
  'hour with an operator': `{ sel: { UtcTime|hour|gte: 22, UtcTime|minute|lt: 30 }, condition: sel }`,
  'day, week, month, year': `{ sel: { UtcTime|day: 1 }, week: { UtcTime|week: 53 }, month: { UtcTime|month: 2 }, year: { UtcTime|year: 2024 }, condition: 1 of them }`,
  keywords: `{ words: ['event::clear', 'drop table'], condition: words }`,
  'all keywords': `{ words: { '|all': [mimi, ' user '] }, condition: words }`,
  'keywords by regular expression': `{ words: { '|re': 'k[ae]tz' }, condition: words }`,
  'keywords and fields': `{ words: [bypass], sel: { Image|endswith: '\\pwsh.exe' }, condition: sel and words }`,
  '1 of a pattern': `{ sel_a: { User: Admin }, sel_b: { User: SYSTEM }, other: { Image: x }, condition: 1 of sel_* }`,
  'all of a pattern without its filters': `{ sel_a: { User: SYSTEM }, sel_b: { Image|endswith: '.exe' }, filter_x: { CommandLine: null }, filter_y: { CommandLine: '' }, condition: all of sel_* and not 1 of filter_* }`,
  'them without private names': `{ sel: { User: Admin }, _private: { User: SYSTEM }, condition: all of them }`,
  parentheses: `{ a: { User: Admin }, b: { Image|endswith: '\\cmd.exe' }, c: { CommandLine|contains: bypass }, condition: a and (b or not c) }`,
  'a list of conditions': `{ a: { User: Admin }, b: { User: SYSTEM }, condition: [a, b] }`,
  'only a negation': `{ sel: { Image|contains: e }, condition: not sel }`,
  'letters with two lower-case forms': `{ sel: { User|contains: ['ΟΔΟΣ', 'İstanbul', 'Kelvin'] }, condition: sel }`,
};

/** The rules, one per detection, ids in the order above. */
export function parseExampleRules(): readonly SigmaRule[] {
  const text = Object.entries(EXAMPLE_DETECTIONS)
    .map(([title, detection], index) => formatRule(title, detection, index))
    .join('\n---\n');
  const { rules, errors } = parseRules(text, 'examples', { placeholders: new Map([['admins', ['adm*', 'root']]]) });
  const [error] = errors;
  if (error !== undefined) throw error;
  return rules;
}

function formatRule(title: string, detection: string, index: number): string {
  const id = `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
  return [`title: ${JSON.stringify(title)}`, `id: ${id}`, PROCESS_CREATION, `detection: ${detection}`].join('\n');
}

/** One rule with the given detection, in YAML. */
export function parseDetection(detection: string, number = 0): SigmaRule {
  const { rules, errors } = parseRules(formatRule('test', detection, number), 'test');
  const [rule] = rules;
  if (rule === undefined) throw errors[0] ?? new Error('There is no rule in the text');
  return rule;
}
