/**
 * What variables an operation may bring, asked before anything else reads them. `@apollo/gateway` lists every value that is
 * wrong, and prints for each the whole variable and the names that it resembles: with many wrong values the gateway would
 * stand still for minutes, for everybody.
 */
import { badUserInput } from '@aurorasoc/kit/errors';
import {
  coerceInputValue,
  type GraphQLSchema,
  isInputType,
  isNonNullType,
  type OperationDefinitionNode,
  typeFromAST,
} from 'graphql';

export type Variables = Readonly<Record<string, unknown>>;

/** Long enough for the place and the reason; what else the text holds is the client's own value. */
const MAX_MESSAGE = 500;

/**
 * Passes variables of which every one has its declared type.
 *
 * @param maxValues - keys of objects and items of lists, at every depth together.
 * @throws AuroraError `BAD_USER_INPUT` naming the first wrong variable, or `variables` when there are too many values.
 */
export function checkVariables(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  variables: Variables,
  maxValues: number,
): void {
  if (holdsMoreThan(variables, maxValues))
    throw badUserInput(
      'variables',
      `The variables of an operation hold at most ${maxValues} values; split the request`,
    );
  for (const { variable, type: typeNode, defaultValue } of operation.variableDefinitions ?? []) {
    const name = variable.name.value;
    const type = typeFromAST(schema, typeNode);
    // Validation has refused all other types before.
    if (!isInputType(type)) continue;
    if (Object.hasOwn(variables, name)) {
      coerceInputValue(variables[name], type, (path, _value, { message }) => {
        throw badUserInput(name, shorten(`Variable "$${name}"${placeOf(name, path)}: ${message}`));
      });
    } else if (defaultValue === undefined && isNonNullType(type)) {
      throw badUserInput(name, shorten(`Variable "$${name}" of required type "${type}" was not provided.`));
    }
  }
}

/** Counts without recursion, as deep as the values are nested, and no further than needed. */
function holdsMoreThan(variables: Variables, maxValues: number): boolean {
  const open: object[] = [variables];
  let count = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const values: readonly unknown[] = Array.isArray(next) ? next : Object.values(next);
    count += values.length;
    if (count > maxValues) return true;
    for (const value of values) if (typeof value === 'object' && value !== null) open.push(value);
  }
  return false;
}

function placeOf(name: string, path: readonly (string | number)[]): string {
  if (path.length === 0) return '';
  return ` at "${name}${path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('')}"`;
}

function shorten(message: string): string {
  return message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message;
}
