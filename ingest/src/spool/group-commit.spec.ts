import { describe, expect, it } from 'vitest';
import { GroupCommit } from './group-commit.js';

interface Item {
  readonly name: string;
  readonly byteLength: number;
}
const item = (name: string, byteLength = 1): Item => ({ name, byteLength });

/** Commits that the spec lets end, one after the other. */
function controlled(maxGroupBytes: number) {
  const groups: string[][] = [];
  const ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const commits = new GroupCommit<Item>(maxGroupBytes, (group) => {
    groups.push(group.map(({ name }) => name));
    return new Promise((resolve, reject) => ends.push({ resolve, reject }));
  });
  return { groups, ends, commits };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('GroupCommit', () => {
  it('collects what arrives during a commit into the next one', async () => {
    const { groups, ends, commits } = controlled(100);
    const first = commits.add(item('a'));
    await turn();
    const others = [commits.add(item('b')), commits.add(item('c'))];
    expect(groups).toEqual([['a']]);
    ends[0]?.resolve();
    await first;
    await turn();
    expect(groups).toEqual([['a'], ['b', 'c']]);
    ends[1]?.resolve();
    await Promise.all(others);
    expect(commits.queuedBytes).toBe(0);
  });

  it('closes a group at its size, but commits an item that is larger alone', async () => {
    const { groups, ends, commits } = controlled(10);
    const all = [
      commits.add(item('huge', 50)),
      commits.add(item('a', 6)),
      commits.add(item('b', 4)),
      commits.add(item('c', 1)),
    ];
    for (let at = 0; at < 3; at++) {
      await turn();
      ends[at]?.resolve();
    }
    await Promise.all(all);
    expect(groups).toEqual([['huge'], ['a', 'b'], ['c']]);
  });

  it('fails exactly the items of the group that failed', async () => {
    const { ends, commits } = controlled(1);
    const results = Promise.allSettled([commits.add(item('a')), commits.add(item('b'))]);
    await turn();
    ends[0]?.reject(new Error('disk'));
    await turn();
    ends[1]?.resolve();
    expect((await results).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    await commits.drain();
  });
});
