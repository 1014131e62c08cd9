import { readFileSync } from 'node:fs';
import { buildSchema, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import * as operations from './operations.js';

const documents = Object.entries(operations).filter(([, value]) => typeof value === 'string');

describe('documents that the commands send', () => {
  // The composed schema declares all it uses, federation's directives included, so it reads as a plain one.
  const schema = buildSchema(readFileSync(new URL('../../../supergraph.graphql', import.meta.url), 'utf8'));

  it.each(documents)('%s fits the composed schema', (_, document) => {
    expect(validate(schema, parse(document)).map(({ message }) => message)).toEqual([]);
  });
});
