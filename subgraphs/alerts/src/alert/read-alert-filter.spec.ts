import { describe, expect, it } from 'vitest';
import type { AlertFilterInput } from './alert.type.js';
import { readAlertFilter } from './read-alert-filter.js';

const nothing = { status: undefined, severity: undefined, ruleId: undefined, assignee: undefined };

describe('the filter of alerts', () => {
  it('takes null for a condition that is left out', () => {
    const nulls = { status: null, severity: null, ruleId: null, assignee: null } as unknown as AlertFilterInput;
    for (const input of [null, undefined, {}, nulls]) expect(readAlertFilter(input)).toEqual(nothing);
  });

  it.each([
    ['ruleId', ''],
    ['ruleId', "' OR 1=1--"],
    ['ruleId', '0198C0DE-0000-7000-8000-000000000001'],
    ['assignee', 'a\0b'],
    ['assignee', '\ud800'],
    ['assignee', 'x'.repeat(201)],
  ])('refuses %s %j naming the field', (name, value) => {
    const refusal = expect.objectContaining({ code: 'BAD_USER_INPUT', field: `filter.${name}` });
    expect(() => readAlertFilter({ [name]: value })).toThrow(refusal);
  });
});
