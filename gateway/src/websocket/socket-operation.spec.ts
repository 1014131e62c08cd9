import type { DocumentNode } from 'graphql';
import { describe, expect, it } from 'vitest';
import type { Session } from '../auth/authenticator.js';
import { createContext } from '../request-context.js';
import { composeFixtures } from '../testing/site.js';
import { OperationReader } from './socket-operation.js';

const schema = composeFixtures().apiSchema;
const context = createContext({ sharing: 'ann', expiresAt: 0 } as Session);
const limits = { maxTokens: 1_000, maxDepth: 10, maxAliases: 15, maxVariableValues: 2_000, introspection: true };
const KIB = 1024;
/** A valid document of this many bytes. */
const documentOf = (name: string, bytes: number): string => `query ${name} { counter } #`.padEnd(bytes, 'x');

describe('what the gateway keeps of documents', () => {
  const read = (reader: OperationReader, query: string): DocumentNode | undefined => {
    const result = reader.read({ query }, context);
    return 'document' in result ? result.document : undefined;
  };

  it('is the parsed one of a text that was valid, so that it is not parsed again', () => {
    const reader = new OperationReader(schema, limits);
    const query = documentOf('A', 16 * KIB);
    expect(read(reader, query)).toBe(read(reader, query));
  });

  it('is nothing of a long text, nor of one that was refused', () => {
    const reader = new OperationReader(schema, limits);
    const long = documentOf('A', 16 * KIB + 1);
    expect(read(reader, long)).toBeDefined();
    expect(read(reader, long)).not.toBe(read(reader, long));
    for (const refused of ['{ nothing }', '{ counter '])
      expect(reader.read({ query: refused }, context)).not.toBe(reader.read({ query: refused }, context));
  });

  it('is at most 256 KiB of texts, those used last', () => {
    const reader = new OperationReader(schema, limits);
    const texts = Array.from({ length: 17 }, (_, index) => documentOf(`Q${index}`, 16 * KIB));
    const [first = '', second = ''] = texts;
    const kept = [first, second].map((text) => read(reader, text));
    for (const text of texts.slice(2, 16)) read(reader, text);
    expect(read(reader, first)).toBe(kept[0]);
    read(reader, texts[16] ?? '');
    expect(read(reader, first)).toBe(kept[0]);
    expect(read(reader, second)).not.toBe(kept[1]);
  });
});
