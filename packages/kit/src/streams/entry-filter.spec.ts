import { describe, expect, it } from 'vitest';
import type { StreamEntry } from './entry.js';
import { EntryFilter } from './entry-filter.js';

function entry(messageId: string, type?: string): StreamEntry {
  const fields = new Map(type === undefined ? [] : [['type', type]]);
  return { stream: 's', key: 's', entryId: `${messageId}-0`, messageId, tenant: 't', fields };
}

const idsOf = (entries: readonly StreamEntry[]): string[] => entries.map(({ messageId }) => messageId);

describe('the filter of a group', () => {
  it('passes over types that do not concern it, and keeps what has none', async () => {
    const filter = new EntryFilter({ types: ['opened'] });
    const { toHandle, toAcknowledge } = await filter.split([entry('1', 'opened'), entry('2', 'changed'), entry('3')]);
    expect(idsOf(toHandle)).toEqual(['1', '3']);
    expect(idsOf(toAcknowledge)).toEqual(['2']);
  });

  it('looks for repeats, of what concerns it alone, until a read has none, and again when they are to be expected', async () => {
    const asked: string[][] = [];
    const filter = new EntryFilter({
      types: ['opened'],
      findHandled: async (entries) => {
        asked.push(idsOf(entries));
        return new Set(['1', '2']);
      },
    });
    const repeated = await filter.split([entry('1', 'opened'), entry('2', 'changed')]);
    expect(idsOf(repeated.toHandle)).toEqual([]);
    expect(idsOf(repeated.toAcknowledge)).toEqual(['1', '2']);

    const filterOfFresh = new EntryFilter({
      findHandled: async (entries) => {
        asked.push(idsOf(entries));
        return new Set();
      },
    });
    await filterOfFresh.split([]);
    await filterOfFresh.split([entry('3', 'opened')]);
    const { toHandle } = await filterOfFresh.split([entry('4', 'opened')]);
    expect(idsOf(toHandle)).toEqual(['4']);
    filterOfFresh.expectRepeats();
    await filterOfFresh.split([entry('5', 'opened')]);
    expect(asked).toEqual([['1'], ['3'], ['5']]);
  });
});
