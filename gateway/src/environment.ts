/** The gateway's variables; the README's table describes the same. */
import { fileURLToPath } from 'node:url';
import { existingFile, parseEnvironment, port, variable } from '@aurorasoc/kit/environment';
import { z } from 'zod';
import { type LoadedSupergraph, readSupergraph } from './supergraph.js';

const SUPERGRAPH_FILE = fileURLToPath(new URL('../../supergraph.graphql', import.meta.url));
const HTTP_URL = z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' });

type Source = Readonly<Record<string, string | undefined>>;

const positive = (description: string, fallback: number) =>
  variable(z.coerce.number().int().positive().default(fallback), { description, example: String(fallback) });

const variables = {
  PORT: port('Port of the graph, its sockets, health and metrics; 0 takes a free one', 8000),
  HOST: variable(z.string().default('127.0.0.1'), { description: 'Address to listen on', example: '0.0.0.0' }),
  SUPERGRAPH_FILE: existingFile('The composed schema', 'supergraph.graphql').default(SUPERGRAPH_FILE),
  AURORA_API_KEYS_FILE: existingFile('API keys; a change counts within seconds', '.aurora/keys/api-keys.json'),
  AGENTS_PUBLIC_KEY_FILE: existingFile(
    'Public key that verifies the tokens of running investigations',
    '.aurora/keys/agents.pub.pem',
  ),
  GATEWAY_PRIVATE_KEY_FILE: existingFile('Private key that signs the tokens for subgraphs', '.aurora/keys/gateway.pem'),
  GATEWAY_ALLOWED_ORIGINS: variable(
    z
      .string()
      .default('')
      .transform((text) =>
        text
          .split(',')
          .map((origin) => origin.trim())
          .filter((origin) => origin !== ''),
      )
      .pipe(z.array(z.url({ protocol: /^https?$/, error: 'must be a comma-separated list of origins' }))),
    {
      description: 'Origins whose pages may call the graph, comma-separated; empty: none',
      example: 'https://soc.example.org',
    },
  ),
  GRAPHQL_INTROSPECTION: variable(z.enum(['on', 'off']).default('on'), {
    description: 'Whether clients may read the schema from the graph',
    example: 'off',
  }),
  GRAPHQL_MAX_TOKENS: positive('Most lexical tokens of one document', 1_000),
  GRAPHQL_MAX_DEPTH: positive('Most levels of nested fields', 10),
  GRAPHQL_MAX_ALIASES: positive('Most aliases of one document', 15),
  GRAPHQL_MAX_VARIABLE_VALUES: positive('Most keys and list items of the variables of one operation', 2_000),
};

/**
 * All variables, and the supergraph they name: which `<NAME>_SUBGRAPH_URL` exist is known from it alone.
 *
 * @throws AuroraError `CONFIGURATION_INVALID`; its message has one line per problem.
 */
export function readEnvironment(source: Source = process.env) {
  const environment = parseEnvironment(variables, source);
  const supergraph = readSupergraph(environment.SUPERGRAPH_FILE);
  return { ...environment, supergraph, subgraphUrls: readSubgraphUrls(supergraph, source) };
}

function readSubgraphUrls(supergraph: LoadedSupergraph, source: Source): ReadonlyMap<string, string> {
  const names = [...supergraph.subgraphUrls];
  const shape = Object.fromEntries(
    names.map(([name, url]) => [
      variableOf(name),
      variable(HTTP_URL.default(url), { description: `Where the subgraph ${name} is`, example: url }),
    ]),
  );
  const parsed: Readonly<Record<string, unknown>> = parseEnvironment(shape, source);
  return new Map(names.map(([name, url]) => [name, String(parsed[variableOf(name)] ?? url)]));
}

const variableOf = (subgraph: string): string => `${subgraph.toUpperCase().replaceAll('-', '_')}_SUBGRAPH_URL`;
