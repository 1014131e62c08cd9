/** Requests hold operations and fragments, no definitions of types. */
import { badUserInput } from '@aurorasoc/kit/errors';
import { type DocumentNode, isExecutableDefinitionNode } from 'graphql';

/**
 * To be asked before validation: one of graphql-js' rules compares the name of every unknown type with every name that the
 * document defines, at the cost of their lengths multiplied. A document that is all names would take it minutes.
 *
 * @throws AuroraError `BAD_USER_INPUT`.
 */
export function refuseDefinitions({ definitions }: DocumentNode): void {
  if (definitions.every(isExecutableDefinitionNode)) return;
  throw badUserInput('query', 'A request holds operations and fragments only; it cannot define types');
}
