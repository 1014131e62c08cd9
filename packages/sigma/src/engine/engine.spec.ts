import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { DetectionNode } from '../detection/detection-node.js';
import type { EventDocument, EventValue } from '../event/event-document.js';
import { interpret } from '../interpret.js';
import { BoundedRegex } from '../pattern/bounded-regex.js';
import type { PatternToken } from '../pattern/pattern.js';
import type { SigmaRule } from '../rule/rule.js';
import { cpuMsOf } from '../testing/cpu-time.js';
import { parseDetection, parseExampleRules } from '../testing/example-rules.js';
import { sysmonEvent } from '../testing/sysmon-event.js';
import { AhoCorasick } from './aho-corasick.js';
import { createEngine, createEngineInSteps } from './engine.js';
import type { EventView } from './event-view.js';
import { Prefilter } from './prefilter.js';
import { finish, type Steps } from './steps.js';

const rules = parseExampleRules();
const ANY = '{ sel: { User: null }, condition: sel }';
const titles = (matched: readonly SigmaRule[]) => matched.map((rule) => rule.title);

/** A text that the token matches. */
function writeToken(token: PatternToken): string {
  return token.type === 'literal' ? token.text : token.type === 'dash' ? '–' : 'q';
}

/** Every literal that a rule looks for in a field, so that generated events are near misses and hits. */
function literalsByField(): Map<string, string[]> {
  const literals = new Map<string, string[]>();
  const add = (field: string, texts: readonly string[]) =>
    literals.set(field, [...(literals.get(field) ?? []), ...texts]);
  const visit = (node: DetectionNode): void => {
    if (node.type === 'and' || node.type === 'or') node.children.forEach(visit);
    else if (node.type === 'not') visit(node.child);
    else if (node.type === 'text')
      add(node.field ?? 'CommandLine', [...node.pattern.map(writeToken), node.pattern.map(writeToken).join('')]);
    else add(node.field ?? 'CommandLine', []);
  };
  for (const rule of rules) visit(rule.detection);
  // What fields are compared with, and a field that one rule asks for only by its presence.
  for (const [field, like] of [
    ['ParentUser', 'User'],
    ['OriginalFileName', 'Image'],
  ] as const)
    add(field, literals.get(like) ?? []);
  return literals;
}

const AWKWARD = [
  '',
  ' ',
  '-',
  '*',
  '\\',
  '\n',
  'ς',
  'σ',
  'ΟΔΟΣ',
  'i̇',
  '\u212a',
  '😀',
  ' -enc QUJDRA==',
  'first\nsecond',
  'bypass hidden',
  'x -enc y bypass σίσυφος',
];
const TYPED = [
  '10.1.2.3',
  '::ffff:10.1.2.3',
  '192.168.7.255',
  '192.168.8.0',
  'fe80::1%eth0',
  '::1',
  '2024-02-01 22:15:00.123',
  '2020-12-31T23:59:59Z',
  '0x63',
  '1e2',
  '99',
  '100',
];

/** A text made of the field's literals in any case, glued together with awkward pieces. */
function textFor(literals: readonly string[]): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('x', ...literals) },
    { weight: 1, arbitrary: fc.constantFrom(...AWKWARD, ...TYPED) },
  );
  const text = fc.oneof(
    piece,
    fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join('')),
  );
  return fc.oneof(
    text,
    text.map((value) => value.toUpperCase()),
    text.map((value) => value.toLowerCase()),
  );
}

function valueFor(literals: readonly string[]): fc.Arbitrary<EventValue> {
  const scalar: fc.Arbitrary<EventValue> = fc.oneof(
    { weight: 12, arbitrary: textFor(literals) },
    { weight: 2, arbitrary: fc.constantFrom(...TYPED) },
    { weight: 1, arbitrary: fc.constantFrom(null, true, false, 0, 1, 99, 100, 4711, -1.5) },
  );
  return fc.oneof(
    { weight: 8, arbitrary: scalar },
    { weight: 2, arbitrary: fc.array(scalar, { maxLength: 3 }) },
    { weight: 1, arbitrary: fc.constant({ nested: 'value' }) },
  );
}

function processCreations(): fc.Arbitrary<EventDocument> {
  const fields = Object.fromEntries([...literalsByField()].map(([field, literals]) => [field, valueFor(literals)]));
  return fc.record(fields, { requiredKeys: [] }).map((eventData) => sysmonEvent(eventData));
}

describe('createEngine', () => {
  it('agrees with the interpreter on events made of the rules’ own literals, and every rule both hits and misses', () => {
    const engine = createEngine(rules);
    const outcomes = new Map(rules.map((rule) => [rule.title, { hits: 0, misses: 0 }]));
    fc.assert(
      fc.property(processCreations(), (event) => {
        const matched = titles(engine.match(event));
        expect(matched).toEqual(titles(interpret(rules, event)));
        for (const [title, outcome] of outcomes) matched.includes(title) ? outcome.hits++ : outcome.misses++;
      }),
      // A fixed seed: that every rule hits is a matter of chance, that both agree is not (see the next test).
      { numRuns: 4000, seed: 20 },
    );
    const oneSided = [...outcomes].filter(([, { hits, misses }]) => hits === 0 || misses === 0).map(([title]) => title);
    expect(oneSided).toEqual([]);
  });

  it('agrees with the interpreter on ever new events, with and without the prefilter', () => {
    const engine = createEngine(rules);
    const alone = rules.map((rule) => createEngine([rule]));
    fc.assert(
      fc.property(processCreations(), (event) => {
        const expected = titles(interpret(rules, event));
        expect(titles(engine.match(event))).toEqual(expected);
        expect(alone.flatMap((single) => titles(single.match(event)))).toEqual(expected);
      }),
      { numRuns: 1000 },
    );
  });

  it('returns rules by id, whatever order they were given in', () => {
    const engine = createEngine([...rules].reverse());
    const ids = engine.match(sysmonEvent({ User: 'Admin', Image: 'C:\\cmd.exe' })).map((rule) => rule.id);
    expect(ids.length).toBeGreaterThan(3);
    expect(ids).toEqual([...ids].sort());
  });

  it('refuses two rules with the same id', () => {
    const rule = parseDetection(`{ sel: { Image: a }, condition: sel }`);
    expect(() => createEngine([rule, rule])).toThrow(/Two rules have the id/);
  });

  it('runs a rule only on events of its log source', () => {
    const engine = createEngine([parseDetection(`{ sel: { Image: a }, condition: sel }`)]);
    expect(engine.match(sysmonEvent({ Image: 'a' }, '1'))).toHaveLength(1);
    expect(engine.match(sysmonEvent({ Image: 'a' }, '7'))).toHaveLength(0);
    expect(engine.match({})).toHaveLength(0);
  });

  it('compares the first 64 KiB of a field and says that it cut the rest', () => {
    const engine = createEngine([parseDetection(`{ sel: { CommandLine|contains: needle }, condition: sel }`)]);
    const before = engine.evaluate(sysmonEvent({ CommandLine: `needle${'x'.repeat(70_000)}` }));
    expect([before.rules.length, before.isTruncated]).toEqual([1, true]);
    const behind = engine.evaluate(sysmonEvent({ CommandLine: `${'x'.repeat(70_000)}needle` }));
    expect([behind.rules.length, behind.isTruncated]).toEqual([0, true]);
    expect(engine.evaluate(sysmonEvent({ CommandLine: 'needle' })).isTruncated).toBe(false);
  });

  it('searches for keywords in the text as it came behind all else', () => {
    const engine = createEngine([parseDetection('{ w: C:\\evil.ps1, condition: w }')]);
    const script = `${'x'.repeat(60_000)}C:\\evil.ps1`;
    const { event: about, ...others } = sysmonEvent({ CommandLine: script });
    const original = JSON.stringify({ script, more: 'x'.repeat(190_000) });
    const event = { event: { ...(about as object), original }, message: script, ...others };
    expect(engine.evaluate(event)).toMatchObject({ rules: [{}], isTruncated: true });
    expect(interpret(engine.rules, event)).toHaveLength(1);
  });

  it('compares no part of a value that has no room behind others', () => {
    const engine = createEngine([parseDetection('{ sel: { CommandLine: 10.0.0.1 }, condition: sel }')]);
    const behind = ['x'.repeat(65_528), '10.0.0.12'];
    expect(engine.evaluate(sysmonEvent({ CommandLine: behind }))).toMatchObject({
      rules: [],
      isTruncated: true,
    });
  });

  it('compares the first 64 KiB of all values of a field together, and 256 KiB of all that keywords are searched in', () => {
    for (const [detection, length] of [
      ['{ sel: { CommandLine|contains: needle }, condition: sel }', 5_000],
      ['{ w: needle, condition: w }', 20_000],
    ] as const) {
      const inLists = Array<string>(16).fill('x'.repeat(length));
      const engine = createEngine([parseDetection(detection)]);
      const evaluate = (values: readonly string[]) => {
        const event = sysmonEvent({ CommandLine: values });
        const { rules, isTruncated } = engine.evaluate(event);
        expect(rules).toEqual(interpret(engine.rules, event));
        return [rules.length, isTruncated];
      };
      expect(evaluate(['needle', ...inLists])).toEqual([1, true]);
      expect(evaluate([...inLists, 'needle'])).toEqual([0, true]);
      expect(evaluate([...inLists.slice(0, 12), 'needle'])).toEqual([1, false]);
    }
    const empty = createEngine([parseDetection("{ sel: { User: '' }, condition: sel }")]);
    expect(empty.match(sysmonEvent({ User: ['x'.repeat(70_000), ''] }))).toHaveLength(1);
  });

  it('searches a field as far as a regular expression reaches, and says what it did not', () => {
    const engine = createEngine([parseDetection("{ sel: { CommandLine|re: 'x[ab]{400}needle' }, condition: sel }")]);
    const evaluate = (before: number) => {
      const values = [' '.repeat(before), `x${'ab'.repeat(200)}needle`];
      const { rules, isTruncated } = engine.evaluate(sysmonEvent({ CommandLine: values }));
      expect(rules).toEqual(interpret(engine.rules, sysmonEvent({ CommandLine: values })));
      return [rules.length, isTruncated];
    };
    expect(evaluate(10_000)).toEqual([1, false]);
    expect(evaluate(30_000)).toEqual([0, true]);
    const small = createEngine([parseDetection("{ sel: { CommandLine|re: 'x[ab]{99}needle' }, condition: sel }")]);
    expect(
      small.evaluate(sysmonEvent({ CommandLine: `${' '.repeat(65_000)}xa${'ba'.repeat(49)}needle` })),
    ).toMatchObject({
      rules: { length: 1 },
      isTruncated: false,
    });
  });

  it('searches with an expression once, however often the condition names it', () => {
    const condition = Array<string>(1_000).fill('sel').join(' or ');
    const engine = createEngine([parseDetection(`{ sel: { CommandLine|re: '[ab]{60}c' }, condition: ${condition} }`)]);
    const search = vi.spyOn(BoundedRegex.prototype, 'findsIn');
    engine.match(sysmonEvent({ CommandLine: 'a'.repeat(100) }));
    expect(search).toHaveBeenCalledTimes(1);
    search.mockRestore();
  });

  it('makes no index for log sources that events name, one for each that rules name, and keeps it', () => {
    const build = vi.spyOn(Prefilter, 'build');
    const engine = createEngine(rules);
    const event = sysmonEvent({ User: 'Admin' });
    const expected = titles(engine.match(event));
    for (let index = 0; index < 3000; index++) {
      const logsource = { product: 'windows', category: 'process_creation', service: `s${index}` };
      expect(titles(engine.match({ ...event, aurora: { logsource } }))).toEqual(expected);
      engine.match({ event: { module: `m${index}`, dataset: `d${index}` } });
    }
    expect(build).toHaveBeenCalledTimes(1);
    build.mockRestore();
  });

  it('runs the rules of each part of an event’s log source', () => {
    const of = (n: number, logsource: SigmaRule['logsource']) => ({ ...parseDetection(ANY, n), logsource });
    const sources = fc.record(
      { product: fc.constantFrom('p', 'q'), category: fc.constantFrom('c', 'd'), service: fc.constantFrom('s', 't') },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(sources, { maxLength: 20 }), sources, (named, declared) => {
        const mixed = named.map((logsource, n) => of(n, logsource));
        const event = { aurora: { logsource: declared } };
        expect(createEngine(mixed).match(event)).toEqual(interpret(mixed, event));
      }),
    );
  });
});

describe('Prefilter', () => {
  const anchorsOf = (n: number) => [{ slot: n % 300, operation: 'contains', literal: `literal number ${n}` }] as const;
  const anchors = Array.from({ length: 3_000 }, (_, n) => anchorsOf(n));
  const view = (text: string) => ({ foldedTexts: () => [text], content: () => text }) as unknown as EventView;

  it.each([1_000_000, 100_000, 10_000, 100, 0])('keeps to %i cells, however many fields there are', (maxCells) => {
    const prefilter = finish(Prefilter.build(anchors, maxCells));
    expect(prefilter.fields.reduce((sum, { cells }) => sum + cells, 0)).toBeLessThanOrEqual(maxCells);
    expect(finish(prefilter.candidates(view('a literal number 1234')))).toContain(1_234);
  });

  it('takes a field of many values for thousands of rules in little time', () => {
    const rules = Array.from({ length: 20_000 }, () => [{ slot: 0, operation: 'endswith', literal: 'x' }] as const);
    const prefilter = finish(Prefilter.build(rules, 0));
    const texts = Array.from({ length: 1_024 }, (_, n) => `${n}x`);
    const field = { foldedTexts: () => texts, content: () => ({ length: 5_000 }) } as unknown as EventView;
    let found: readonly number[] = [];
    const ms = cpuMsOf(() => {
      found = finish(prefilter.candidates(field));
    });
    expect(found).toHaveLength(rules.length);
    expect(ms).toBeLessThan(100);
  });
});

describe('AhoCorasick', () => {
  const CELLS = 1_000_000;
  const build = (literals: readonly string[], cells: number) =>
    finish(AhoCorasick.build(literals, cells)) ?? expect.fail('there are too few cells');

  it('finds every literal that a search from each position finds', () => {
    const literal = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'é', 'щ', '-'), minLength: 1, maxLength: 40 });
    const cases = fc.record({
      literals: fc.array(literal, { minLength: 1, maxLength: 12 }),
      glue: fc.array(literal, { maxLength: 4 }),
    });
    fc.assert(
      fc.property(cases, ({ literals, glue }) => {
        const text = [...glue, literals[0], ...glue, literals.at(-1)].join('');
        const found = new Set<number>();
        build(literals, CELLS).scan([text], (index) => found.add(index));
        for (const [index, wanted] of literals.entries()) if (text.includes(wanted)) expect(found).toContain(index);
      }),
    );
  });

  it('reports nothing where no literal begins', () => {
    const found: number[] = [];
    build(['abc', 'bcd'], CELLS).scan(['ab bc cd'], (index) => found.push(index));
    expect(found).toEqual([]);
  });

  it('keeps to its size by cutting literals short, and then still misses none', () => {
    const literals = Array.from(
      { length: 5_000 },
      (_, n) => `${String(n * 7_919).padStart(8, '0')} and much more of it`,
    );
    const automaton = build(literals, 50_000);
    expect(automaton.cells).toBeLessThanOrEqual(50_000);
    const found = new Set<number>();
    automaton.scan([`x${literals[17]}x${literals[4_999]}x`], (index) => found.add(index));
    expect([found.has(17), found.has(4_999)]).toEqual([true, true]);
  });

  it('is none where not even the beginnings of the literals fit', () => {
    expect(finish(AhoCorasick.build(['ab', 'cd'], 14))).toBeUndefined();
    expect(build(['ab', 'cd'], 15).cells).toBe(15);
  });

  it('tells what a text begins with from what stands elsewhere in it', () => {
    const literals = ['ab', 'b', 'abab', 'c', `${'x'.repeat(40)}y`];
    const told = (texts: readonly string[]) => {
      const all: string[] = [];
      build(literals, CELLS).scan(texts, (index, isAtStart) =>
        all.push(`${literals[index]?.slice(0, 4)}${isAtStart ? '^' : ''}`),
      );
      return all.sort();
    };
    expect(told(['abab'])).toEqual(['ab', 'ab^', 'abab', 'abab^', 'b']);
    expect(told(['cab', 'b'])).toEqual(['ab', 'b', 'b^', 'c', 'c^']);
    expect(told(['x'.repeat(50)])).toEqual(['xxxx', 'xxxx^']);
  });

  it('tells what ends in a field once, however often it stands there', () => {
    let calls = 0;
    const texts = ['a'.repeat(60_000), ...Array<string>(1_000).fill('aa')];
    build(['a', 'aa'], CELLS).scan(texts, () => calls++);
    expect(calls).toBe(4);
  });

  it('is linear in literals whose characters share a class', () => {
    const alike = Array.from({ length: 340 }, (_, n) => String.fromCharCode(0x4e00 + 64 * n));
    const pairs = alike.flatMap((one) => alike.slice(0, 59).map((other) => one + other));
    const longer = pairs.slice(0, 6_666).map((pair, n) => `${String(n).padStart(4, '0')}${pair}`);
    const before = process.memoryUsage().heapUsed;
    const automaton = build([...pairs, ...longer], CELLS);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(300e6);
    const found = new Set<number>();
    let calls = 0;
    automaton.scan([longer.join(' ')], (index, isAtStart) => {
      calls++;
      if (!isAtStart) found.add(index);
    });
    expect([found.size, calls]).toEqual([pairs.length + longer.length, pairs.length + longer.length + 1]);
  });
});

describe('an engine made and asked in steps', () => {
  const literal = (rule: number, n: number): string => `${(rule * 977 + n) * 104_729}-of-${n}-in-${rule}`;
  const hostile = Array.from({ length: 30 }, (_, rule) => {
    const values = Array.from({ length: 1_200 }, (_, n) => `'${literal(rule, n)}'`).join(', ');
    return parseDetection(`{ sel: { CommandLine|contains: [${values}] }, condition: sel }`, rule);
  });

  /** @returns the result, and the processor time of the longest step. */
  function take<T>(steps: Steps<T>): { value: T; longestMs: number } {
    for (let longestMs = 0; ; ) {
      let step: IteratorResult<void, T> | undefined;
      longestMs = Math.max(
        longestMs,
        cpuMsOf(() => {
          step = steps.next();
        }),
      );
      if (step?.done) return { value: step.value, longestMs };
    }
  }

  it('takes no step for long, whatever the rules, and answers as one made at once', () => {
    const made = take(createEngineInSteps(hostile));
    const event = sysmonEvent({ CommandLine: `${literal(7, 3)} ${literal(29, 1_199)} ${'0'.repeat(60_000)}` });
    const asked = take(made.value.evaluateInSteps(event));
    expect(asked.value.rules).toEqual(createEngine(hostile).match(event));
    expect(asked.value.rules).toHaveLength(2);
    expect(made.longestMs).toBeLessThan(100);
    expect(asked.longestMs).toBeLessThan(100);
  });

  it('runs no expensive rule in one step', () => {
    const regex = (n: number) => `CommandLine|re: '[ab]*a[ab]{${40 + n}}[^ab]'`;
    const detections = [
      `{ ${Array.from({ length: 9 }, (_, n) => `s${n}: { ${regex(n)} }`).join(', ')}, condition: 1 of s* }`,
      `{ sel: { CommandLine|contains: [${Array.from({ length: 900 }, (_, n) => `'aab${n}'`).join(', ')}] }, condition: sel }`,
      `{ w: [${Array.from({ length: 900 }, (_, n) => `'aab${n}'`).join(', ')}], condition: w }`,
    ];
    const event = sysmonEvent({ CommandLine: 'ab'.repeat(500) });
    for (const [n, detection] of detections.entries()) {
      let steps = 0;
      const asked = createEngine([parseDetection(detection, n)]).evaluateInSteps(event);
      while (!asked.next().done) steps++;
      expect(steps).toBeGreaterThan(8);
    }
  });

  it('answers as the interpreter, whatever an expensive rule is made of', () => {
    const [first] = rules;
    const others = Array.from({ length: 60 }, (_, n) => `'no such thing ${n}'`).join(', ');
    const { detection: expensive } = parseDetection(`{ sel: { CommandLine|contains: [${others}] }, condition: sel }`);
    const leaf = fc.oneof(fc.constant(expensive), fc.constantFrom(...rules.map(({ detection }) => detection)));
    const { tree } = fc.letrec<{ tree: DetectionNode }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        leaf,
        tie('tree').map((child): DetectionNode => ({ type: 'not', child })),
        fc
          .record({
            type: fc.constantFrom('and', 'or'),
            children: fc.array(tie('tree'), { minLength: 1, maxLength: 4 }),
          })
          .map((node) => node as DetectionNode),
      ),
    }));
    fc.assert(
      fc.property(tree, processCreations(), (detection, event) => {
        const rule = { ...(first ?? expect.fail('there is no rule')), detection };
        expect(createEngine([rule]).match(event)).toEqual(interpret([rule], event));
      }),
      { numRuns: 2_000 },
    );
  });
});
