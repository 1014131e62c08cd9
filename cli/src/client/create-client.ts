import { AuroraError } from '@aurorasoc/kit/errors';
import { getOperationAST, parse } from 'graphql';
import { fitsSelection } from './fits-selection.js';
import { type FollowOptions, follow } from './follow.js';
import { GraphRequestError, type PublicError } from './graph-request-error.js';
import { type Endpoint, postOperation, type Variables } from './post-operation.js';

export interface ClientOptions {
  /** The gateway, with or without `/graphql`. */
  readonly url: string;
  /** An API key. */
  readonly token: string;
  /** Longest wait for the answer to a query or mutation, milliseconds. @default 30000 */
  readonly timeoutMs?: number;
}

export interface GraphResult<T> {
  /** As far as it could be resolved; fields beside an error are null. */
  readonly data: T | null;
  readonly errors: readonly PublicError[];
}

/**
 * The type parameters say what the document selects. The graph guarantees the types of results by its schema, so they are not
 * checked a second time here; that the fields are there is, since an address may be another program's.
 */
export interface GraphClient {
  /**
   * @throws GraphRequestError when any part failed; AuroraError `SERVICE_UNAVAILABLE`, `DEADLINE_EXCEEDED`, and
   *   `NOT_THE_GATEWAY` where fields are missing from the answer, which no later one has either.
   */
  query<T>(document: string, variables?: Variables): Promise<T>;
  /** As `query`, with partial results as they come. @throws AuroraError `SERVICE_UNAVAILABLE`, `DEADLINE_EXCEEDED` */
  execute<T>(document: string, variables?: Variables): Promise<GraphResult<T>>;
  /** Follows a live field; see {@link follow}. `T` is its item. */
  follow<T>(document: string, variables: Variables, options: FollowOptions<T>): Promise<string | undefined>;
}

export function createClient({ url, token, timeoutMs = 30_000 }: ClientOptions): GraphClient {
  const endpoint: Endpoint = { url: `${url.replace(/\/(graphql\/?)?$/, '')}/graphql`, token, timeoutMs };
  const execute = async <T>(document: string, variables: Variables = {}): Promise<GraphResult<T>> => {
    const { data, errors } = await postOperation(endpoint, document, variables);
    return { data: data as T | null, errors };
  };
  return {
    execute,
    query: async <T>(document: string, variables?: Variables): Promise<T> => {
      const { data, errors } = await execute<T>(document, variables);
      if (data === null || errors.length > 0) throw new GraphRequestError(errors);
      const operation = getOperationAST(parse(document));
      if (operation && !fitsSelection(data, operation.selectionSet)) throw notTheGateway(endpoint.url);
      return data;
    },
    follow: (document, variables, options) => follow(endpoint, document, variables, options),
  };
}

function notTheGateway(url: string): AuroraError {
  return new AuroraError({
    code: 'NOT_THE_GATEWAY',
    publicMessage: `${url} answers without what was asked for; is it the gateway?`,
  });
}
