/** What agents take for granted of the gateway and of the alerts domain, held to what those really do. */
import { fileURLToPath } from 'node:url';
import { formatQuery, GATEWAY_LIMITS } from '@aurorasoc/agents/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readEnvironment } from '../../../gateway/dist/environment.js';
import { parseQuery } from '../../../subgraphs/alerts/dist/event/search/parse-query.js';

describe('what the gateway takes of one operation', () => {
  it('is what agents believe, unless somebody changes it', () => {
    // Read by nobody here; it only has to exist.
    const key = fileURLToPath(import.meta.url);
    const environment = readEnvironment({
      SUPERGRAPH_FILE: fileURLToPath(new URL('../../../supergraph.graphql', import.meta.url)),
      AURORA_API_KEYS_FILE: key,
      AGENTS_PUBLIC_KEY_FILE: key,
      GATEWAY_PRIVATE_KEY_FILE: key,
    });
    expect(GATEWAY_LIMITS).toEqual({
      maxTokens: environment.GRAPHQL_MAX_TOKENS,
      maxDepth: environment.GRAPHQL_MAX_DEPTH,
      maxAliases: environment.GRAPHQL_MAX_ALIASES,
    });
  });
});

/** Random text hardly ever holds a quote: what could end a value, or add a term, comes often here. */
const hostileText = fc.string({
  maxLength: 30,
  unit: fc.oneof(
    fc.constantFrom('"', '\\', ' ', ':', '\n', '(', ')', '*', ' AND ', ' OR ', 'host.name:'),
    fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }),
  ),
});

describe('the queries of agents', () => {
  it('are read by the alerts domain as the terms that they were made of, whatever the values hold', () => {
    const terms = fc.array(
      fc.record({ field: fc.constantFrom('process.command_line', 'host.name', '@timestamp'), value: hostileText }),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(terms, (wanted) => {
        expect(parseQuery(formatQuery(wanted))).toEqual(wanted);
      }),
    );
  });

  it.each(['x" AND host.name:"dc01', '\\', '\\"', '" OR "', '*', '', '\u202e"', 'a\nb'])(
    'keep %j one value',
    (value) => {
      expect(parseQuery(formatQuery([{ field: 'user.name', value }]))).toEqual([{ field: 'user.name', value }]);
    },
  );
});
