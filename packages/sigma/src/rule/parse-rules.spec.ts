import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuMsOf } from '../testing/cpu-time.js';
import { parseRules } from './parse-rules.js';
import type { SigmaRuleErrorCode } from './rule-error.js';

const HEAD = 'title: Test\nid: 1c9c6d2b-5f0e-4c0e-9a6b-0d5b1f6b0a11\nlogsource:\n  product: windows\n';
const GOOD = `${HEAD}detection:\n  sel:\n    Image: a\n  condition: sel\n`;

/** The rule's detection starts on line 5, its first selection on line 6. */
function refusalOf(detection: string, head = HEAD) {
  const { rules, errors } = parseRules(`${head}detection:\n${detection}`, 'file.yml');
  expect(rules).toEqual([]);
  expect(errors).toHaveLength(1);
  return errors[0];
}

/** The refusal of a single field in a selection. */
function refusalOfField(field: string) {
  return refusalOf(`  sel:\n    ${field}\n  condition: sel\n`);
}

describe('parseRules', () => {
  it('keeps the metadata of a rule', () => {
    const { rules, errors } = parseRules(
      `title: Title
id: abc
name: short_name
status: test
level: high
description: |
  Two
  lines
author: Jane Doe
license: DRL-1.1
date: 2024-01-02
modified: 2024/01/03
references: [https://example.org/a]
falsepositives: Unknown
fields: [Image]
tags: [attack.execution, attack.t1059.001]
related:
  - { id: other, type: derived }
logsource: { product: Windows, category: process_creation, definition: needs auditing }
detection: { sel: { Image: a }, condition: sel }
`,
      'file.yml',
    );
    expect(errors).toEqual([]);
    const { detection, weight: _, ...metadata } = rules[0] ?? expect.fail('the rule was refused');
    expect(detection).toMatchObject({ type: 'text', field: 'Image' });
    expect(metadata).toEqual({
      id: 'abc',
      title: 'Title',
      name: 'short_name',
      status: 'test',
      level: 'high',
      description: 'Two\nlines\n',
      author: 'Jane Doe',
      license: 'DRL-1.1',
      date: '2024-01-02',
      modified: '2024/01/03',
      references: ['https://example.org/a'],
      falsepositives: ['Unknown'],
      fields: ['Image'],
      tags: ['attack.execution', 'attack.t1059.001'],
      related: [{ id: 'other', type: 'derived' }],
      logsource: { product: 'windows', category: 'process_creation' },
      source: { name: 'file.yml', line: 1 },
    });
  });

  it('names a rule without id after its place', () => {
    const anonymous = GOOD.replace(/id: .*\n/, '');
    const { rules } = parseRules(`# about\n---\n${anonymous}---\n${anonymous}`, 'file.yml');
    expect(rules.map((rule) => [rule.id, rule.source.line])).toEqual([
      ['file.yml#1', 3],
      ['file.yml#2', 11],
    ]);
  });

  it('refuses a broken rule whole and goes on with the others', () => {
    const second = GOOD.replace('0a11', '0a12');
    const { rules, errors } = parseRules(`${GOOD}---\n{{{{\n---\n\ttab: x\n---\n${second}`, 'file.yml');
    expect(rules).toHaveLength(2);
    expect(errors.map((error) => [error.code, error.line])).toEqual([
      ['INVALID_YAML', 10],
      ['INVALID_YAML', 12],
    ]);
    for (const error of errors) expect(error.message).not.toMatch(/line \d/);
  });

  it('reads the document behind the end of another', () => {
    const second = GOOD.replace('0a11', '0a12');
    const read = (text: string) => {
      const { rules, errors } = parseRules(text, 'file.yml');
      return [rules.map((rule) => rule.source.line), errors.map((error) => [error.code, error.line])];
    };
    expect(read(`${GOOD}...\n${second}`)).toEqual([[1, 10], []]);
    expect(read(`...\n${GOOD}... # the end\n# nothing\n%YAML 1.2\n---\n${second}...\n---\n`)).toEqual([[2, 14], []]);
    expect(read(`${GOOD}... no comment\n`)).toEqual([[], [['INVALID_YAML', 9]]]);
    expect(read(`${GOOD}...\n[\n`)).toEqual([[1], [['INVALID_YAML', 11]]]);
  });

  it('refuses more documents than its caller takes as a whole, and reads none of them', () => {
    const read = (text: string) => {
      const { rules, errors } = parseRules(text, 'file.yml', { maxDocuments: 1 });
      return [rules.length, errors.map((error) => [error.code, error.line])];
    };
    expect(read(`# about\n---\n${GOOD}---\n# nothing\n`)).toEqual([1, []]);
    expect(read(`${GOOD}...\n`)).toEqual([1, []]);
    expect(read(`${GOOD}---\ntitle: [\n`)).toEqual([0, [['SEVERAL_RULES', 9]]]);
    const many = '---\n[\n'.repeat(43_690);
    const took = cpuMsOf(() => expect(read(many)).toEqual([0, [['SEVERAL_RULES', 3]]]));
    expect(took).toBeLessThan(100);
  });

  it('refuses a text that is longer than its documents may be, whatever stands around them', () => {
    const read = (text: string, maxDocuments?: number) => {
      const { rules, errors } = parseRules(text, 'file.yml', maxDocuments === undefined ? {} : { maxDocuments });
      return [rules.length, errors.map((error) => [error.code, error.line, error.message])];
    };
    const comments = `# ${'x'.repeat(126)}\n`.repeat(1_024);
    const message = 'The text is longer than 131072 characters, comments included; shorten it.';
    for (const text of [`${comments}---\n${GOOD}`, `${GOOD}---\n${comments}`]) {
      expect(read(text, 1)).toEqual([0, [['TOO_COMPLEX', 1, message]]]);
      expect(read(text, 2)).toEqual([1, []]);
      expect(read(text)).toEqual([1, []]);
    }
    const files = Array.from({ length: 600 }, (_, n) => GOOD.replace('0a11', String(1_000 + n))).join('---\n');
    expect(read(`${comments}---\n${files}`)).toEqual([600, []]);
  });

  it('counts what stands around the only document into the weight', () => {
    const weightOf = (text: string) => parseRules(text, 'file.yml').rules[0]?.weight ?? 0;
    expect(weightOf(`${'# about\n'.repeat(1_000)}---\n${GOOD}`) - weightOf(GOOD)).toBeGreaterThanOrEqual(1_000);
  });

  it('refuses the document behind a directive that would have it read in another way', () => {
    const second = GOOD.replace('0a11', '0a12');
    const read = (text: string) => {
      const { rules, errors } = parseRules(text, 'file.yml');
      for (const error of errors) expect(error.message).not.toMatch(/line \d/);
      return [rules.length, errors.map((error) => [error.code, error.line])];
    };
    for (const directive of ['%YAML 1.1', '%YAML 1.20', '%TAG ! tag:x,2000:', '%', '%YAML 1.2 x']) {
      expect(read(`# about\n${directive}\n---\n${GOOD}---\n${second}`)).toEqual([1, [['INVALID_YAML', 2]]]);
      expect(read(`${second}...\n\n${directive}\n---\n${GOOD}`)).toEqual([1, [['INVALID_YAML', 11]]]);
      expect(read(`${GOOD}...\n${directive}\n`)).toEqual([1, [['INVALID_YAML', 10]]]);
      expect(read(`${directive}\n${GOOD}`)[0]).toBe(0);
    }
    for (const directive of ['%YAML 1.2', '%YAML\t1.2 # of 2009', '%YAML 1.2\r'])
      expect(read(`${directive}\n---\n${GOOD}---\n${second}`)).toEqual([2, []]);
    const [error] = parseRules(`%TAG ! tag:x,2000:\n---\n${GOOD}`, 'f').errors;
    expect(error?.message).toBe(
      'The directive %TAG ! tag:x,2000: is not supported; remove it. Only %YAML 1.2 may stand there.',
    );
  });

  it('names the rule, the line and the field of a refusal', () => {
    const error = refusalOfField("Image|contians: 'x'");
    expect(error).toMatchObject({
      code: 'UNKNOWN_MODIFIER',
      ruleId: '1c9c6d2b-5f0e-4c0e-9a6b-0d5b1f6b0a11',
      title: 'Test',
      sourceName: 'file.yml',
      line: 7,
      column: 21,
      field: 'detection.sel.Image|contians',
    });
    expect(error?.message).toContain('"contians"');
  });

  it('refuses the second rule with the same id', () => {
    const { rules, errors } = parseRules(`${GOOD}---\n${GOOD}`, 'file.yml');
    expect([rules.length, errors[0]?.code, errors[0]?.line]).toEqual([1, 'DUPLICATE_ID', 10]);
  });

  const fields: readonly (readonly [string, SigmaRuleErrorCode])[] = [
    ["Image|re: '(['", 'INVALID_REGEX'],
    ["Image|re: '(?=a)'", 'INVALID_REGEX'],
    ["Image|re: '(a)\\1'", 'INVALID_REGEX'],
    ['Image|re: 1', 'INVALID_FIELD'],
    ['Ip|cidr: 10.0.0.0/33', 'INVALID_CIDR'],
    ['Ip|cidr: 10.0.0/8', 'INVALID_CIDR'],
    ['Ip|cidr: 10.0.0.010/32', 'INVALID_CIDR'],
    ["Ip|cidr: 'fe80::/129'", 'INVALID_CIDR'],
    ["Ip|cidr: '1::2::3/64'", 'INVALID_CIDR'],
    ["Ip|cidr: '10.*'", 'INVALID_CIDR'],
    ['Image|exists: maybe', 'INVALID_FIELD'],
    ['Image|lt: ten', 'INVALID_FIELD'],
    ['Image|gt: .inf', 'INVALID_FIELD'],
    ["Image|fieldref: ''", 'INVALID_FIELD'],
    ['Image|expand: "%Servers%"', 'UNRESOLVED_PLACEHOLDER'],
    ['Image|contains: null', 'INVALID_MODIFIER'],
    ['Image|contains|startswith: x', 'INVALID_MODIFIER'],
    ['Image|contains|contains: x', 'INVALID_MODIFIER'],
    ['Image|re|contains: x', 'INVALID_MODIFIER'],
    ['Image|re|cidr: x', 'INVALID_MODIFIER'],
    ['Image|i|re: x', 'INVALID_MODIFIER'],
    ['Image|cased|re: x', 'INVALID_MODIFIER'],
    ['Image|wide: x', 'INVALID_MODIFIER'],
    ['Image|base64|wide: x', 'INVALID_MODIFIER'],
    ["Image|base64: 'a*'", 'INVALID_MODIFIER'],
    ['Image|base64offset: a', 'INVALID_MODIFIER'],
    ['Image|windash|base64: -abc', 'INVALID_MODIFIER'],
    ["'|exists': true", 'INVALID_MODIFIER'],
    ["'': x", 'INVALID_FIELD'],
    ['Image: []', 'INVALID_FIELD'],
    ['Image: [[a]]', 'INVALID_FIELD'],
    ['Image: { a: b }', 'INVALID_FIELD'],
    ['Image: "\\ud800"', 'INVALID_FIELD'],
    ['Image: !secret x', 'INVALID_YAML'],
    ['Image: *nowhere', 'INVALID_YAML'],
    [`Image|re: '${'x'.repeat(1025)}'`, 'TOO_COMPLEX'],
    ["Image|re: '(a|b)*a(a|b){200}[^ab]'", 'TOO_COMPLEX'],
    [`Image|contains: '${'x'.repeat(256)}?'`, 'TOO_COMPLEX'],
    [`Image|contains|windash: '${' -x'.repeat(86)}'`, 'TOO_COMPLEX'],
    ["Image|re: '(x{1000}){1}(y{1000}){1}.{1000}.{1000}.{1000}.{1000}'", 'TOO_COMPLEX'],
  ];
  it.each(fields)('refuses the field %s', (field, code) => {
    expect(refusalOfField(field)).toMatchObject({ code, line: 7 });
  });

  const documents: readonly (readonly [string, string, SigmaRuleErrorCode, number])[] = [
    ['no condition', '  sel: { a: b }\n', 'MISSING_FIELD', 6],
    ['a selection that is empty', '  sel: {}\n  condition: sel\n', 'INVALID_FIELD', 6],
    ['a selection without value', '  sel:\n  condition: sel\n', 'INVALID_FIELD', 6],
    ['a selection named like a word', '  not: { a: b }\n  condition: not not\n', 'INVALID_FIELD', 6],
    ['a duplicate selection', '  sel: { a: b }\n  sel: { a: c }\n  condition: sel\n', 'DUPLICATE_KEY', 7],
    ['a timeframe', '  sel: { a: b }\n  timeframe: 5m\n  condition: sel\n', 'UNSUPPORTED', 7],
    ['a condition that is a map', '  sel: { a: b }\n  condition: { a: b }\n', 'INVALID_FIELD', 7],
    ['an empty list of conditions', '  sel: { a: b }\n  condition: []\n', 'INVALID_CONDITION', 7],
  ];
  it.each(documents)('refuses %s', (_, detection, code, line) => {
    expect(refusalOf(detection)).toMatchObject({ code, line });
  });

  it.each([
    ['correlation:\n  type: event_count\ntitle: x\n', 'UNSUPPORTED'],
    ['filter:\n  rules: []\ntitle: x\n', 'UNSUPPORTED'],
    ['action: global\ntitle: x\n', 'UNSUPPORTED'],
    [`taxonomy: ocsf\n${GOOD}`, 'UNSUPPORTED'],
    ['- a list\n', 'INVALID_YAML'],
    [GOOD.replace('Test', "''"), 'MISSING_FIELD'],
    [GOOD.replace('Test', 'x'.repeat(257)), 'INVALID_FIELD'],
    [`level: urgent\n${GOOD}`, 'INVALID_FIELD'],
    [`status: done\n${GOOD}`, 'INVALID_FIELD'],
    [GOOD.replace('product: windows', 'definition: none'), 'MISSING_FIELD'],
    [GOOD.replace(/logsource:\n.*\n/, ''), 'MISSING_FIELD'],
    [`${HEAD}detection: text\n`, 'INVALID_FIELD'],
  ])('refuses the document %s', (text, code) => {
    const { rules, errors } = parseRules(text, 'file.yml');
    expect([rules.length, errors.map((error) => error.code)]).toEqual([0, [code]]);
  });

  it('takes long values with a mark where no star makes them be looked for at each place', () => {
    for (const value of [`'${'x'.repeat(255)}?*'`, `'${'x'.repeat(300)}?'`, `'*${'x'.repeat(300)}*?*'`])
      expect(parseRules(GOOD.replace('Image: a', `Image: ${value}`), 'f').errors).toEqual([]);
  });

  it('resolves YAML anchors, within the limits', () => {
    const { rules, errors } = parseRules(
      `${HEAD}detection:\n  a: &x { Image: a }\n  b: *x\n  condition: a or b\n`,
      'f',
    );
    expect([rules.length, errors]).toEqual([1, []]);
  });

  const levels = ['a', 'b', 'c', 'd', 'e', 'f'];
  const bomb = levels.map((name, index) => {
    const inner = index === 0 ? 'x' : `*${levels[index - 1]}`;
    return `${name}: &${name} [${Array(12).fill(inner).join(',')}]`;
  });
  it.each([
    ['an alias bomb', bomb.join('\n')],
    ['an anchor inside itself', 'a: &a [*a]'],
    ['thousands of aliases', `a: &a x\nb: [${'*a,'.repeat(42_000)}]`],
    ['thousands of brackets', '['.repeat(130_000)],
    ['thousands of list marks', `${'- '.repeat(60_000)}a`],
    [
      'thousands of parentheses',
      GOOD.replace('condition: sel', `condition: ${'('.repeat(3000)}sel${')'.repeat(3000)}`),
    ],
    ['thousands of negations', GOOD.replace('condition: sel', `condition: ${'not '.repeat(2000)}sel`)],
    ['large repetitions', GOOD.replace('Image: a', `Image|re: '${'(|a){1000}'.repeat(100)}'`)],
    ['nested repetitions', GOOD.replace('Image: a', "Image|re: '((((x{30}){30}){30}){30}){30}'")],
    ['a document of a megabyte', `${GOOD}# ${'x'.repeat(1_000_000)}`],
    [
      'selections times quantifiers',
      `${HEAD}detection:\n${Array.from({ length: 1500 }, (_, index) => `  s${index}: { A: b }`).join('\n')}
  condition: ${Array(600).fill('1 of s*').join(' and ')}`,
    ],
  ])('refuses %s within a second', (_, text) => {
    const took = cpuMsOf(() => {
      const { rules, errors } = parseRules(text, 'hostile.yml');
      expect([rules.length, errors.length]).toEqual([0, 1]);
      expect(errors[0]?.message).not.toBe('');
    });
    expect(took).toBeLessThan(1_000);
  });

  it('never throws, whatever the text', () => {
    const fragment = fc.constantFrom(
      ...GOOD.split('\n'),
      '---',
      '  - x',
      '    A|re: "["',
      '&a *a',
      '\t',
      '{',
      ']',
      '|',
      '\u0000',
      '%YAML 1.2',
    );
    const text = fc.oneof(
      fc.array(fragment, { maxLength: 20 }).map((lines) => lines.join('\n')),
      fc.string(),
    );
    fc.assert(
      fc.property(text, (value) => void parseRules(value, 'fuzz')),
      { numRuns: 1000 },
    );
  });

  it('replaces placeholders from the table, with their wildcards', () => {
    const placeholders = new Map([['Servers', ['srv*', 'dc?']]]);
    const text = GOOD.replace('Image: a', "Host|expand: '%Servers%.corp \\%plain%'");
    const { rules } = parseRules(text, 'file.yml', { placeholders });
    expect(rules[0]?.detection).toMatchObject({
      type: 'or',
      children: [
        { pattern: [{ text: 'srv' }, { type: 'run' }, { text: '.corp %plain%' }] },
        { pattern: [{ text: 'dc' }, { type: 'character' }, { text: '.corp %plain%' }] },
      ],
    });
  });
});

describe('a hostile rule', () => {
  const texts: readonly (readonly [string, string])[] = [
    ['nested flow maps', `x: ${'{a: '.repeat(1_400)}`],
    ['nested flow lists', '['.repeat(60_000)],
    ['a long flow list', `[${'a,'.repeat(60_000)}a]`],
    ['lists on one line', '- '.repeat(20_000)],
    ['lines without tokens', `a: |\n${'\n'.repeat(120_000)}`],
    ['nested block maps', Array.from({ length: 280 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
  ];
  it.each(texts)('is refused before it is parsed: %s', (_, text) => {
    let refused: string | undefined;
    const ms = cpuMsOf(() => {
      const [error] = parseRules(text, 'file.yml').errors;
      refused = error?.code;
      expect(error?.message).not.toContain('call stack');
    });
    expect(refused).toBe('TOO_COMPLEX');
    expect(ms).toBeLessThan(100);
  });

  const HOSTILE_HEAD = 'title: R\nlogsource: { product: windows }\n';
  const thousand = Array(1_000).fill('a').join(',');
  const broken: readonly (readonly [string, string, string])[] = [
    ['escapes that YAML does not know', `a: "${'\\q'.repeat(60_000)}"`, 'INVALID_YAML'],
    ['anchors twice', `a: [${'&a &b x,'.repeat(900)}]`, 'INVALID_YAML'],
    ['tags that nobody knows', `a: [${'!x a,'.repeat(1_500)}]`, 'INVALID_YAML'],
    [
      'aliases of a long list',
      `${HOSTILE_HEAD}x: &x [${thousand}]\ndetection:\n${Array.from({ length: 40 }, (_, n) => `  s${n}: *x\n`).join('')}  condition: 1 of s*\n`,
      'TOO_COMPLEX',
    ],
    [
      'dashes of Windows',
      `${HOSTILE_HEAD}detection:\n  s: { Image|windash: [${`"${' -a'.repeat(14)}",`.repeat(2_300)}a] }\n  condition: s\n`,
      'TOO_COMPLEX',
    ],
    [
      'classes of letters',
      `${HOSTILE_HEAD}detection:\n  s: { Image|re|i: [${`'${'\\pL'.repeat(300)}',`.repeat(6)}a] }\n  condition: s\n`,
      'TOO_COMPLEX',
    ],
  ];
  it.each(broken)('costs little until it is refused: %s', (_, text, code) => {
    let refused: string | undefined;
    const ms = cpuMsOf(() => {
      refused = parseRules(text, 'file.yml').errors[0]?.code;
    });
    expect(refused).toBe(code);
    expect(ms).toBeLessThan(300);
  });

  it('weighs by what it makes, not by its text alone', () => {
    const weightOf = (detection: string) =>
      parseRules(`${HOSTILE_HEAD}detection: ${detection}\n`, 'f').rules[0]?.weight ?? 0;
    const plain = weightOf('{ s: a, condition: s }');
    expect(plain).toBeGreaterThan(0);
    const often = weightOf(`{ s: a, condition: ${Array(500).fill('s').join(' or ')} }`);
    expect(often - plain).toBeGreaterThan(500 * 8);
    expect(weightOf("{ s: { A|re: '(a|b|c){60}' }, condition: s }") - plain).toBeGreaterThan(500);
  });
});
