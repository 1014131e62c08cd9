/** What an operation may look like, the same over HTTP and over sockets. */
import { NoSchemaIntrospectionCustomRule, type ValidationRule } from 'graphql';
import { limitAliases } from './limit-aliases.js';
import { limitDepth } from './limit-depth.js';
import { refuseReservedNames } from './refuse-reserved-names.js';

export { checkVariables } from './check-variables.js';
export { refuseDefinitions } from './refuse-definitions.js';

export interface OperationLimits {
  /** Lexical tokens of a document; bounds the work of the parser. */
  readonly maxTokens: number;
  readonly maxDepth: number;
  readonly maxAliases: number;
  /** Keys and list items of an operation's variables, at every depth together; bounds the work of checking them. */
  readonly maxVariableValues: number;
  readonly introspection: boolean;
}

export function limitRules(limits: OperationLimits): ValidationRule[] {
  return [
    limitDepth(limits.maxDepth),
    limitAliases(limits.maxAliases),
    refuseReservedNames,
    ...(limits.introspection ? [] : [NoSchemaIntrospectionCustomRule]),
  ];
}
