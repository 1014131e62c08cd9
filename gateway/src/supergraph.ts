/** The composed schema in the forms the gateway needs: for planning, for validation, and the list of its subgraphs. */
import { readFileSync } from 'node:fs';
import { type Schema, Supergraph } from '@apollo/federation-internals';
import { QueryPlanner } from '@apollo/query-planner';
import { AuroraError, describeError } from '@aurorasoc/kit/errors';
import type { GraphQLSchema } from 'graphql';

export interface LoadedSupergraph {
  readonly sdl: string;
  /** `routing_url` per subgraph name. */
  readonly subgraphUrls: ReadonlyMap<string, string>;
  readonly planner: QueryPlanner;
  /** What clients may use, as Apollo's planner and as graphql-js know it. */
  readonly api: Schema;
  readonly apiSchema: GraphQLSchema;
  /** The whole supergraph with its join directives, needed to run plans. */
  readonly superSchema: GraphQLSchema;
}

/** @throws AuroraError `CONFIGURATION_INVALID` naming the file and what is wrong with it. */
export function readSupergraph(path: string): LoadedSupergraph {
  return loadSupergraphOf(path, readSupergraphText(path));
}

/** @throws AuroraError `CONFIGURATION_INVALID` naming the file when it cannot be read. */
export function readSupergraphText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new AuroraError({
      code: 'CONFIGURATION_INVALID',
      publicMessage: `The supergraph ${path} cannot be read; make it with \`npm run compose\``,
      cause,
    });
  }
}

/** @throws AuroraError `CONFIGURATION_INVALID` naming the file that the text is of, and what is wrong with it. */
export function loadSupergraphOf(path: string, sdl: string): LoadedSupergraph {
  try {
    return loadSupergraph(sdl);
  } catch (cause) {
    throw new AuroraError({
      code: 'CONFIGURATION_INVALID',
      publicMessage: `The supergraph ${path} is not valid: ${describeError(cause)}; make it anew with \`npm run compose\``,
      cause,
    });
  }
}

/** @throws Error of the federation library when the text is not a valid supergraph. */
export function loadSupergraph(sdl: string): LoadedSupergraph {
  const supergraph = Supergraph.build(sdl);
  const api = supergraph.apiSchema();
  return {
    sdl,
    subgraphUrls: new Map(supergraph.subgraphsMetadata().map(({ name, url }) => [name, url])),
    planner: new QueryPlanner(supergraph),
    api,
    apiSchema: api.toGraphQLJSSchema(),
    superSchema: supergraph.schema.toGraphQLJSSchema(),
  };
}
