import { execute, parse } from 'graphql';
import { Field, ID, ObjectType, Query, Resolver } from 'type-graphql';
import { describe, expect, it } from 'vitest';
import type { Principal } from '../auth/principal.js';
import { createListLoader, createLoader } from './batch.js';
import { buildDomainSchema } from './build-schema.js';
import { decodeKeyset, encodeKeyset, type PagedList, pageSize, toConnection } from './connection.js';
import { Rights } from './rights.js';

@Rights('alerts:read')
@ObjectType({ description: 'A thing.' })
class Thing {
  @Field(() => ID, { description: 'Its id.' })
  id!: string;

  @Rights('alerts:write')
  @Field(() => String, { description: 'Only for those who may write.' })
  secret!: string;
}

@Resolver(() => Thing)
class ThingResolver {
  @Rights('alerts:read')
  @Query(() => Thing, { description: 'The thing.' })
  thing(): Thing {
    return { id: '1', secret: 's' };
  }
}

@Resolver()
class OpenResolver {
  @Query(() => String, { description: 'Nobody said who may ask.' })
  open(): string {
    return 'open';
  }
}

const holder = (scopes: Principal['scopes']): { principal: Principal } => ({
  principal: { tenant: '0198c0de-0000-7000-8000-00000000000a', subject: 'ann', kind: 'user', scopes },
});

describe('rights', () => {
  it('hold in every resolver: a field that is not allowed fails, its neighbours stay', async () => {
    const schema = await buildDomainSchema({ resolvers: [ThingResolver], references: {} });
    const ask = (query: string, scopes: Principal['scopes']) =>
      execute({ schema, document: parse(query), contextValue: holder(scopes) });
    expect(await ask('{ thing { id secret } }', ['alerts:read', 'alerts:write'])).toMatchObject({
      data: { thing: { id: '1', secret: 's' } },
    });
    const refused = await ask('{ thing { id } }', []);
    expect(refused.errors?.[0]?.originalError).toMatchObject({
      code: 'FORBIDDEN',
      publicMessage: expect.stringMatching(/^This needs the scope alerts:read, which viewer, .* and service have$/),
      field: 'Query.thing',
    });
    const partly = await ask('{ thing { id secret } }', ['alerts:read']);
    expect(partly.errors?.[0]?.originalError).toMatchObject({ code: 'FORBIDDEN', field: 'Thing.secret' });
  });

  it('are required: a field without a rule is an error of the build', async () => {
    await expect(buildDomainSchema({ resolvers: [OpenResolver], references: {} })).rejects.toThrow(
      'Fields without a rule (add @Rights): Query.open',
    );
  });
});

describe('loaders', () => {
  it('ask once for the keys of one tick, and remember nothing', async () => {
    const asked: (readonly string[])[] = [];
    const loader = createLoader(
      async (keys: readonly string[]) => {
        asked.push(keys);
        return keys.filter((key) => key !== 'none').map((key) => ({ key }));
      },
      (value) => value.key,
    );
    expect(await Promise.all(['a', 'b', 'a', 'none'].map((key) => loader.load(key)))).toEqual([
      { key: 'a' },
      { key: 'b' },
      { key: 'a' },
      null,
    ]);
    await loader.load('a');
    expect(asked).toEqual([['a', 'b', 'none'], ['a']]);
  });

  it('of lists keep the order of the rows', async () => {
    const loader = createListLoader(
      async () => [
        { owner: 'a', n: 2 },
        { owner: 'b', n: 1 },
        { owner: 'a', n: 1 },
      ],
      (row) => row.owner,
    );
    expect(await Promise.all([loader.load('a'), loader.load('c')])).toEqual([
      [
        { owner: 'a', n: 2 },
        { owner: 'a', n: 1 },
      ],
      [],
    ]);
  });
});

describe('connections', () => {
  const IDS = [1, 2, 3].map((n) => `0198c0de-0000-7000-8000-00000000000${n}`);
  const NOON = '2026-11-23T12:00:00.000Z';
  const newest: PagedList = { name: 'things NEWEST', sortedBy: ['id'] };
  const lastSeen: PagedList = { name: 'things LAST_SEEN', sortedBy: ['time', 'id'] };
  const [id = ''] = IDS;

  it('say whether more follows, and where to go on', () => {
    const page = toConnection(
      newest,
      IDS,
      2,
      false,
      (thing) => `n${thing.at(-1)}`,
      (thing) => [thing],
    );
    expect(page.nodes).toEqual(['n1', 'n2']);
    expect(page.pageInfo).toEqual({
      hasNextPage: true,
      hasPreviousPage: false,
      startCursor: encodeKeyset(newest, [id]),
      endCursor: encodeKeyset(newest, [IDS[1] ?? '']),
    });
    expect(decodeKeyset(newest, page.pageInfo.endCursor)).toEqual([IDS[1]]);
    expect(decodeKeyset(lastSeen, encodeKeyset(lastSeen, [NOON, id]))).toEqual([NOON, id]);
    for (const none of [undefined, null]) expect(decodeKeyset(newest, none)).toBeUndefined();
  });

  it.each([0, -1, 201])('refuse a page of %i', (first) => {
    expect(() => pageSize(first)).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT', field: 'first' }));
  });

  const refused = (list: PagedList, after: string): void =>
    expect(() => decodeKeyset(list, after)).toThrow(
      expect.objectContaining({ code: 'BAD_USER_INPUT', field: 'after' }),
    );

  it('refuse the cursor of another list, and of another order', () => {
    refused(newest, encodeKeyset({ ...newest, name: 'others' }, [id]));
    refused(newest, encodeKeyset(lastSeen, [NOON, id]));
    refused(lastSeen, encodeKeyset(newest, [id]));
  });

  it.each(['', 'x', 'W3t9XQ', 'e30', 'bnVsbA', Buffer.from(JSON.stringify([id])).toString('base64url')])(
    'refuse %j, which is no cursor',
    (after) => refused(newest, after),
  );

  it.each([
    ['2026-11-23', id],
    ['2026-13-23T12:00:00.000Z', id],
    ['0000-01-01T00:00:00.000Z', id],
    ['+275760-09-12T00:00:00.000Z', id],
    [NOON, id.toUpperCase()],
    [NOON, "' or 1=1"],
    [NOON],
    [NOON, id, id],
  ])('refuse the keys %j of no row, which the database would choke on', (...keys) =>
    refused(lastSeen, encodeKeyset(lastSeen, keys)),
  );
});
