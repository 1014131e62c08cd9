import type { SigmaRule } from '@aurorasoc/sigma';
import { describe, expect, it } from 'vitest';
import { addEntities, entitiesOf, mostSevere } from './signals.js';

const ruleOf = (id: string, level: SigmaRule['level']) => ({ id, level }) as SigmaRule;

describe('the most severe rules', () => {
  it('come by level, those without one as medium ones, and by their order within it', () => {
    const rules = [
      ruleOf('1', 'informational'),
      ruleOf('2', null),
      ruleOf('3', 'critical'),
      ruleOf('4', 'medium'),
      ruleOf('5', 'low'),
      ruleOf('6', 'high'),
      ruleOf('7', 'critical'),
    ];
    const idsOf = (limit: number) => mostSevere(rules, limit, (rule) => rule).map(({ id }) => id);
    expect(idsOf(6)).toEqual(['3', '7', '6', '2', '4', '5']);
    expect(idsOf(1)).toEqual(['3']);
    expect(idsOf(7)).toEqual(['1', '2', '3', '4', '5', '6', '7']);
  });
});

describe('the entities of an alert', () => {
  it('are each there once, and none of them is endless', () => {
    const ip = '198.51.100.7';
    const document = {
      source: { ip },
      destination: { ip },
      host: { name: 'h'.repeat(1_024) },
      file: { path: 'f'.repeat(1_025) },
    };
    expect(entitiesOf(document)).toEqual([
      { type: 'HOST', value: 'h'.repeat(1_024) },
      { type: 'IP', value: ip },
    ]);
  });

  it('are the first fifty', () => {
    const of = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, n) => ({ type: 'USER' as const, value: `u${from + n}` }));
    expect(addEntities(of(0, 45), of(40, 60))).toEqual(of(0, 50));
  });
});
