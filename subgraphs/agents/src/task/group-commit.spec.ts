import { TransientError } from '@aurorasoc/kit/errors';
import { describe, expect, it } from 'vitest';
import { GroupCommit } from './group-commit.js';

interface Commit {
  readonly tenant: string;
  readonly items: readonly string[];
  succeed(): void;
  fail(error: Error): void;
}

/** Commits as the test ends them. */
function useCommits(maxItems = 10) {
  const commits: Commit[] = [];
  const begun: (() => void)[] = [];
  const groups = new GroupCommit<string, string>({
    maxItems,
    commit: (tenant, items) => {
      const { promise, resolve, reject } = Promise.withResolvers<string[]>();
      const succeed = () => resolve(items.map((item) => `stored ${item}`));
      commits.push({ tenant, items, succeed, fail: reject });
      begun.shift()?.();
      return promise;
    },
  });
  let seen = 0;
  /** The next commit, once it has begun. */
  const next = async (): Promise<Commit> => {
    if (commits.length === seen) await new Promise<void>((resolve) => begun.push(resolve));
    return commits[seen++] as Commit;
  };
  return { groups, commits, next };
}

describe('a group commit', () => {
  it('takes what is ready in one turn together, and tells each its own result after the commit only', async () => {
    const { groups, next } = useCommits();
    let told = 0;
    const all = ['a', 'b', 'c'].map((item) => groups.add('one', item).finally(() => told++));
    const commit = await next();
    expect(commit).toMatchObject({ tenant: 'one', items: ['a', 'b', 'c'] });
    expect(told).toBe(0);
    commit.succeed();
    expect(await Promise.all(all)).toEqual(['stored a', 'stored b', 'stored c']);
  });

  it('takes what comes while a commit is on its way with the next one, and never two of a tenant at a time', async () => {
    const { groups, commits, next } = useCommits();
    const all = [groups.add('one', 'a')];
    const first = await next();
    all.push(groups.add('one', 'b'), groups.add('one', 'c'));
    expect(commits).toHaveLength(1);
    first.succeed();
    const second = await next();
    expect(second.items).toEqual(['b', 'c']);
    second.succeed();
    expect(await Promise.all(all)).toEqual(['stored a', 'stored b', 'stored c']);
  });

  it('holds no more than it may', async () => {
    const { groups, commits, next } = useCommits(2);
    const all = ['a', 'b', 'c', 'd', 'e'].map((item) => groups.add('one', item));
    for (let n = 0; n < 3; n++) (await next()).succeed();
    await Promise.all(all);
    expect(commits.map(({ items }) => items.length)).toEqual([2, 2, 1]);
  });

  it('is of one tenant; others neither share it nor wait for it', async () => {
    const { groups, next } = useCommits();
    const [a, b] = [groups.add('one', 'a'), groups.add('other', 'b')];
    const [first, second] = [await next(), await next()];
    expect([first, second]).toMatchObject([
      { tenant: 'one', items: ['a'] },
      { tenant: 'other', items: ['b'] },
    ]);
    second.succeed();
    expect(await b).toBe('stored b');
    first.succeed();
    expect(await a).toBe('stored a');
  });

  it('that fails is tried again one by one: an item answers for itself alone', async () => {
    const { groups, commits, next } = useCommits();
    const all = Promise.allSettled(['a', 'bad', 'c'].map((item) => groups.add('one', item)));
    (await next()).fail(new Error('in the group'));
    (await next()).succeed();
    (await next()).fail(new Error('by itself'));
    (await next()).succeed();
    expect(await all).toMatchObject([
      { value: 'stored a' },
      { reason: { message: 'by itself' } },
      { value: 'stored c' },
    ]);
    expect(commits.map(({ items }) => items)).toEqual([['a', 'bad', 'c'], ['a'], ['bad'], ['c']]);
  });

  it('is not tried again while the database is away, for it may have been made', async () => {
    const { groups, commits, next } = useCommits();
    const all = Promise.allSettled(['a', 'b'].map((item) => groups.add('one', item)));
    (await next()).fail(new TransientError('away'));
    expect((await all).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(commits).toHaveLength(1);
    const later = groups.add('one', 'c');
    (await next()).succeed();
    expect(await later).toBe('stored c');
  });
});
