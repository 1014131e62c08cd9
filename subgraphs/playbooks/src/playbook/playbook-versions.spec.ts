import type { EntityManager } from '@aurorasoc/kit/database';
import { describe, expect, it } from 'vitest';
import { MAX_DOCUMENTS, readDocuments, type VersionKey } from './playbook-versions.js';

const keys = (count: number): VersionKey[] =>
  Array.from({ length: count }, (_, n) => ({ playbookId: '0198c0de-0000-7000-8000-00000000000a', version: n + 1 }));

/** Has the document of version 2 alone. */
const database = {
  execute: async () => [{ playbookId: '0198c0de-0000-7000-8000-00000000000a', version: 2, document: '{}' }],
} as unknown as EntityManager;

describe('readDocuments', () => {
  it('answers in the order of the keys, with null for what is not there', async () => {
    expect(await readDocuments(database, keys(3))).toEqual([null, '{}', null]);
  });

  it('refuses more documents at a time than the process can hold for many callers', async () => {
    await expect(readDocuments(database, keys(MAX_DOCUMENTS))).resolves.toHaveLength(MAX_DOCUMENTS);
    await expect(readDocuments(database, keys(MAX_DOCUMENTS + 1))).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'document',
    });
  });
});
