/** What an operation may look like, the same over HTTP and over sockets. */
import { NoSchemaIntrospectionCustomRule, type ValidationRule } from 'graphql';
import { limitAliases } from './limit-aliases.js';
import { limitDepth } from './limit-depth.js';

export interface OperationLimits {
  /** Lexical tokens of a document; bounds the work of the parser. */
  readonly maxTokens: number;
  readonly maxDepth: number;
  readonly maxAliases: number;
  readonly introspection: boolean;
}

export function limitRules(limits: OperationLimits): ValidationRule[] {
  return [
    limitDepth(limits.maxDepth),
    limitAliases(limits.maxAliases),
    ...(limits.introspection ? [] : [NoSchemaIntrospectionCustomRule]),
  ];
}
