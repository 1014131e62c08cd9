import { describe, expect, it } from 'vitest';
import type { Principal } from '../auth/principal.js';
import { contextWith } from '../domain/context.js';
import { envelopeOf, TenantEntity } from '../domain/tenant-entity.js';
import { isUuid } from '../ids.js';
import type { PagedList } from './connection.js';
import { referenceById } from './entities.js';
import { readPage } from './page.js';
import { uuidOf } from './text.js';

const TENANT = '0198c0de-0000-7000-8000-00000000000a';
const IDS = [1, 2, 3].map((n) => `0198c0de-0000-7000-8000-00000000000${n}`);
const list: PagedList = { name: 'things', sortedBy: ['id'] };
const principal: Principal = { tenant: TENANT, subject: 'ann', kind: 'user', scopes: [] };

describe('a page', () => {
  const shown: string[] = [];
  const page = (args: { first?: number; after?: string | null }) =>
    readPage(args, {
      list,
      read: async (after, limit) => IDS.filter((id) => after === undefined || id > (after[0] ?? '')).slice(0, limit),
      keysOf: (id) => [id],
      toNode: (id) => {
        shown.push(id);
        return id;
      },
    });

  it('leads to the next one until the rows end, and shows no row but its own', async () => {
    const first = await page({ first: 2 });
    expect(first).toMatchObject({ nodes: IDS.slice(0, 2), pageInfo: { hasNextPage: true, hasPreviousPage: false } });
    expect(shown).toEqual(IDS.slice(0, 2));
    const second = await page({ first: 2, after: first.pageInfo.endCursor ?? null });
    expect(second).toMatchObject({ nodes: IDS.slice(2), pageInfo: { hasNextPage: false, hasPreviousPage: true } });
  });

  it('of a size or place that is none is refused, and read from nowhere', async () => {
    await expect(page({ first: 0 })).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field: 'first' });
    await expect(page({ after: 'x' })).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field: 'after' });
  });
});

describe('an id', () => {
  it('is a UUID in lower case', () => {
    expect(uuidOf('id', TENANT)).toBe(TENANT);
    for (const id of ['', '1', TENANT.toUpperCase(), `${TENANT} `])
      expect(() => uuidOf('input.id', id)).toThrow(
        expect.objectContaining({ code: 'BAD_USER_INPUT', field: 'input.id' }),
      );
  });

  it('of a reference is looked for among ids only', () => {
    const resolve = referenceById((id, context) => [id, context.principal.subject]);
    expect(resolve({ id: TENANT }, { principal })).toEqual([TENANT, 'ann']);
    expect(resolve({ id: 'x' }, { principal })).toBeNull();
    expect(() => resolve({}, { principal })).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT', field: 'id' }));
  });
});

describe('the context of an operation', () => {
  it('has the services of the process, and loaders of the caller’s tenant', () => {
    const create = contextWith((services: { name: string }, tenant) => ({ of: `${services.name} ${tenant}` }));
    expect(create({ name: 's' })({ principal })).toEqual({
      principal,
      services: { name: 's' },
      loaders: { of: `s ${TENANT}` },
    });
  });
});

describe('an entity of a tenant', () => {
  class Note extends TenantEntity {}

  it('begins at version 1 with an id of its own, and its events say both', () => {
    const note = new Note(TENANT);
    const [actor, now] = [{ kind: 'user', id: 'ann' } as const, new Date()];
    expect(isUuid(note.id)).toBe(true);
    expect(envelopeOf(note, actor, now)).toEqual({
      subject: note.id,
      version: 1,
      tenant: TENANT,
      actor,
      occurredAt: now,
    });
  });
});
