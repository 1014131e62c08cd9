import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readEnvironment } from './environment.js';

describe('the environment', () => {
  let folder: string;
  let files: Record<string, string>;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'aurora-environment-'));
    const write = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const key = write('key', '');
    files = {
      SUPERGRAPH_FILE: write('supergraph.graphql', ''),
      AURORA_API_KEYS_FILE: key,
      AGENTS_PUBLIC_KEY_FILE: key,
      GATEWAY_PRIVATE_KEY_FILE: key,
    };
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('has defaults for all but keys, and the addresses of subgraphs that are set', () => {
    const environment = readEnvironment({
      ...files,
      AGENTS_SUBGRAPH_URL: 'http://agents.internal:4002/graphql',
      ALERTS_SUBGRAPH_URL: '',
      LATER_ON_SUBGRAPH_URL: 'https://later.internal/graphql',
    });
    expect(environment).toMatchObject({
      PORT: 8000,
      HOST: '127.0.0.1',
      GATEWAY_ALLOWED_ORIGINS: [],
      GRAPHQL_INTROSPECTION: 'on',
      GRAPHQL_MAX_TOKENS: 1_000,
      GRAPHQL_MAX_DEPTH: 10,
      GRAPHQL_MAX_VARIABLE_VALUES: 2_000,
    });
    expect([...environment.subgraphUrls].sort()).toEqual([
      ['agents', 'http://agents.internal:4002/graphql'],
      ['later_on', 'https://later.internal/graphql'],
    ]);
  });

  it('lists all problems at once', () => {
    const read = () =>
      readEnvironment({
        ...files,
        AURORA_API_KEYS_FILE: '',
        PORT: 'http',
        GATEWAY_ALLOWED_ORIGINS: 'https://a.example, b',
      });
    expect(read).toThrow(
      /PORT: .*(?:\n|.)*AURORA_API_KEYS_FILE: is not set.*(?:\n|.)*GATEWAY_ALLOWED_ORIGINS: must be a comma-separated list/,
    );
  });

  it('tells of a bad address', () => {
    expect(() => readEnvironment({ ...files, ALERTS_SUBGRAPH_URL: 'alerts:4001' })).toThrow(
      /ALERTS_SUBGRAPH_URL: must be an http\(s\) URL/,
    );
  });
});
