/** The gateway's variables; the README's table describes the same. */
import { fileURLToPath } from 'node:url';
import { existingFile, parseEnvironment, port, variable } from '@aurorasoc/kit/environment';
import { z } from 'zod';

const SUPERGRAPH_FILE = fileURLToPath(new URL('../../supergraph.graphql', import.meta.url));
const HTTP_URL = z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' });

const SUBGRAPH_URL = /^([A-Z0-9_]+)_SUBGRAPH_URL$/;

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
 * All variables. Of the `<NAME>_SUBGRAPH_URL` those that are set, whichever subgraphs there are: a supergraph that takes over
 * later may have others, and addresses of its own.
 *
 * @throws AuroraError `CONFIGURATION_INVALID`; its message has one line per problem.
 */
export function readEnvironment(source: Source = process.env) {
  return { ...parseEnvironment(variables, source), subgraphUrls: readSubgraphUrls(source) };
}

/** By the name that stands in the variable, in lower case. */
function readSubgraphUrls(source: Source): ReadonlyMap<string, string> {
  const names = Object.keys(source).flatMap((name) => SUBGRAPH_URL.exec(name)?.[1] ?? []);
  const shape = Object.fromEntries(
    names.map((name) => [
      `${name}_SUBGRAPH_URL`,
      variable(HTTP_URL.optional(), {
        description: `Where the subgraph ${name.toLowerCase()} is`,
        example: 'http://127.0.0.1:4001/graphql',
      }),
    ]),
  );
  const parsed: Readonly<Record<string, unknown>> = parseEnvironment(shape, source);
  return new Map(
    names.flatMap((name) => {
      const url = parsed[`${name}_SUBGRAPH_URL`];
      return typeof url === 'string' ? [[name.toLowerCase(), url] as const] : [];
    }),
  );
}
