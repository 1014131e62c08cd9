import { readFileSync } from 'node:fs';
import { printDomainSchema } from '@aurorasoc/kit/graphql';
import {
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isIntrospectionType,
  isObjectType,
  isScalarType,
} from 'graphql';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildAgentsSchema } from './schema.js';

let schema: GraphQLSchema;
beforeAll(async () => {
  schema = await buildAgentsSchema();
});

const ROOTS = new Set(['Query', 'Mutation', 'Subscription']);
const ownTypes = () =>
  Object.values(schema.getTypeMap()).filter(
    (type) => !isIntrospectionType(type) && !type.name.startsWith('_') && !isScalarType(type),
  );

describe('the graph of the agents domain', () => {
  it('describes every type', () => {
    const silent = ownTypes().filter((type) => !type.description && !ROOTS.has(type.name));
    expect(
      silent.map((type) => type.name).filter((name) => !name.startsWith('federation__') && !name.startsWith('link__')),
    ).toEqual([]);
  });

  it('describes every field and argument', () => {
    const silent: string[] = [];
    for (const type of ownTypes()) {
      if (!isObjectType(type) && !isInputObjectType(type)) continue;
      for (const field of Object.values(type.getFields())) {
        if (field.name.startsWith('_')) continue;
        if (!field.description) silent.push(`${type.name}.${field.name}`);
        if ('args' in field)
          for (const arg of field.args) if (!arg.description) silent.push(`${type.name}.${field.name}(${arg.name})`);
      }
    }
    expect(silent).toEqual([]);
  });

  it('is the one that is checked in', () => {
    expect(readFileSync(new URL('../schema.graphql', import.meta.url), 'utf8')).toBe(printDomainSchema(schema));
  });

  it('shares the severities of the other domains', () => {
    const severity = schema.getType('Severity');
    expect(isEnumType(severity) && severity.getValues().map((value) => value.name)).toEqual([
      'INFORMATIONAL',
      'LOW',
      'MEDIUM',
      'HIGH',
      'CRITICAL',
    ]);
  });

  it('costs nothing but its own fields when another domain is away', () => {
    const fieldsOf = (name: string) => {
      const type = schema.getType(name);
      if (!isObjectType(type)) throw new Error(`no type ${name}`);
      return type.getFields();
    };
    expect(String(fieldsOf('Alert').investigations?.type)).toBe('[Investigation!]');
    expect(String(fieldsOf('Investigation').alert?.type)).toBe('Alert');
  });
});
