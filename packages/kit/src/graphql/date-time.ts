/** The scalar `DateTime`, that of graphql-scalars with a reason that does not repeat the client's value, however long it is. */
import { GraphQLError, type GraphQLErrorOptions, GraphQLScalarType } from 'graphql';
import { GraphQLDateTime } from 'graphql-scalars';

const config = GraphQLDateTime.toConfig();
const REASON = 'DateTime takes a moment as RFC 3339 writes it, such as 2007-12-03T10:15:30Z';

export const DateTimeScalar = new GraphQLScalarType({
  ...config,
  parseValue: (value) => orRefuse(() => config.parseValue(value)),
  parseLiteral: (node, variables) => orRefuse(() => config.parseLiteral(node, variables), { nodes: node }),
});

function orRefuse<T>(parse: () => T, place: GraphQLErrorOptions = {}): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof GraphQLError) throw new GraphQLError(REASON, { ...place, originalError: error });
    throw error;
  }
}
