import { describe, expect, it } from 'vitest';
import { entryIdAfter, isEntryId } from './entry.js';

describe('ids of stream entries', () => {
  it('are two numbers that Redis can hold, and nothing else', () => {
    expect(['0-0', '1700000000000-12'].every(isEntryId)).toBe(true);
    expect(['', '+', '$', '1', '1-', '-1', '1-1-1', '1-x', `${'9'.repeat(19)}-0`].filter(isEntryId)).toEqual([]);
  });

  it('have a successor in the same millisecond', () => {
    expect(entryIdAfter('1700000000000-9')).toBe('1700000000000-10');
    expect(() => entryIdAfter('-')).toThrow(RangeError);
  });
});
