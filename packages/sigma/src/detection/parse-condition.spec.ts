import { describe, expect, it } from 'vitest';
import { Refusal } from '../rule/rule-error.js';
import type { DetectionNode } from './detection-node.js';
import { parseCondition } from './parse-condition.js';

const names = ['a', 'b', 'c', 'sel_one', 'sel_two', 'filter_main', '_hidden'];
const selections = new Map(names.map((name) => [name, { type: 'null', field: name } satisfies DetectionNode]));

/** The tree in brackets, so that precedence shows. */
function write(node: DetectionNode): string {
  if (node.type === 'not') return `!${write(node.child)}`;
  if (node.type === 'and' || node.type === 'or')
    return `(${node.children.map(write).join(node.type === 'and' ? '&' : '|')})`;
  return String(node.field);
}

const parse = (text: string) => write(parseCondition(text, selections, { line: 1, column: 1 }, 'detection.condition'));

describe('parseCondition', () => {
  it.each([
    ['a', 'a'],
    ['a and b or c', '((a&b)|c)'],
    ['a or b and c', '(a|(b&c))'],
    ['not a and b', '(!a&b)'],
    ['not (a and b)', '!(a&b)'],
    ['not not a', '!!a'],
    ['(a or b)and(c)', '((a|b)&c)'],
    ['a AND NOT b', '(a&!b)'],
    ['1 of sel_*', '(sel_one|sel_two)'],
    ['all of sel_*', '(sel_one&sel_two)'],
    ['any of s*o*', '(sel_one|sel_two)'],
    ['all of filter_main', 'filter_main'],
    ['a and not 1 of filter_*', '(a&!filter_main)'],
    ['1 of them', '(a|b|c|sel_one|sel_two|filter_main)'],
    ['1 of _*', '_hidden'],
  ])('reads %s', (text, tree) => expect(parse(text)).toBe(tree));

  it.each([
    ['', /empty/],
    ['a b', /missing before "b"/],
    ['a and', /ends where/],
    ['(a', /without its "\)"/],
    ['a)', /without its "\("/],
    ['other', /no selection "other"/],
    ['and a', /"and" stands where/],
    ['1 of nothing*', /No selection is named like/],
    ['1 of', /needs "them"/],
    ['2 of sel_*', /"2 of" is no quantifier/],
    ['a | count() > 5', /correlation rule/],
    ['1 of sel_?ne', /No selection is named like/],
  ])('refuses %j and says why', (text, message) => {
    expect(() => parse(text)).toThrow(Refusal);
    expect(() => parse(text)).toThrow(message);
  });
});
