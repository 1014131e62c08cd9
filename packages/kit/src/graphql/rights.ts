/**
 * Rights on the schema: a rule on each type or field, checked in every resolver, every entity reference and every live
 * field. A field without a rule is a build error: nothing is open because somebody forgot.
 */
// Before any class is decorated: every type's file reaches this one first.
import 'reflect-metadata';
import {
  defaultFieldResolver,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLSchema,
  isObjectType,
} from 'graphql';
import { Extensions } from 'type-graphql';
import { hasScope, nameScope, type Principal, type Scope } from '../auth/principal.js';
import { AuroraError } from '../errors.js';

/** Any principal of the tenant may read the field. */
export const SIGNED_IN = 'signed-in';
export type Rule = Scope | typeof SIGNED_IN;

/** The rule of a type (for all of its fields) or of one field, query, mutation or subscription. */
export function Rights(rule: Rule): ReturnType<typeof Extensions> {
  return Extensions({ rights: rule });
}

export interface PrincipalContext {
  readonly principal: Principal;
}

/** Rule per `Type` and `Type.field`. */
export type RuleBook = ReadonlyMap<string, Rule>;

/** @throws Error listing every field that has no rule. */
export function readRules(schema: GraphQLSchema): RuleBook {
  const rules = new Map<string, Rule>();
  const open: string[] = [];
  for (const type of ownObjectTypes(schema)) {
    const ofType = type.extensions.rights as Rule | undefined;
    if (ofType) rules.set(type.name, ofType);
    for (const field of Object.values(type.getFields())) {
      const rule = (field.extensions.rights as Rule | undefined) ?? ofType;
      if (rule) rules.set(`${type.name}.${field.name}`, rule);
      else open.push(`${type.name}.${field.name}`);
    }
  }
  if (open.length > 0) throw new Error(`Fields without a rule (add @Rights): ${open.join(', ')}`);
  return rules;
}

/** Wraps every resolver of the schema, in place. */
export function enforceRules(schema: GraphQLSchema, rules: RuleBook): void {
  const subscriptions = schema.getSubscriptionType();
  for (const type of ownObjectTypes(schema)) {
    for (const field of Object.values(type.getFields())) {
      const rule = rules.get(`${type.name}.${field.name}`);
      // `_entities` and `_service` are Federation's; each entity is checked by its own type's rule.
      if (!rule) continue;
      if (type === subscriptions && field.subscribe) field.subscribe = guard(rule, field.subscribe);
      else field.resolve = guard(rule, field.resolve ?? defaultFieldResolver);
    }
  }
}

/** @throws AuroraError `FORBIDDEN` naming the scope that is missing. */
export function checkRule(rule: Rule, principal: Principal, field?: string): void {
  if (rule === SIGNED_IN || hasScope(principal, rule)) return;
  throw new AuroraError({
    code: 'FORBIDDEN',
    publicMessage: `This needs ${nameScope(rule)}`,
    ...(field === undefined ? {} : { field }),
  });
}

function guard(rule: Rule, resolve: GraphQLFieldResolver<unknown, unknown>): GraphQLFieldResolver<unknown, unknown> {
  return (source, args, context, info) => {
    checkRule(rule, (context as PrincipalContext).principal, `${info.parentType.name}.${info.fieldName}`);
    return resolve(source, args, context, info);
  };
}

function ownObjectTypes(schema: GraphQLSchema): GraphQLObjectType[] {
  return Object.values(schema.getTypeMap()).filter(
    (type): type is GraphQLObjectType => isObjectType(type) && !type.name.startsWith('_'),
  );
}
