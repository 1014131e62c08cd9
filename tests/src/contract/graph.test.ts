/** What is checked in must be what the classes say: the subgraphs' schemas, the supergraph, and a description everywhere. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildAgentsSchema } from '@aurorasoc/agents/schema';
import { buildAlertsSchema } from '@aurorasoc/alerts/schema';
import { buildDevicesSchema } from '@aurorasoc/devices/schema';
import { buildFederationSchema } from '@aurorasoc/federation/schema';
import { composeSupergraph, describeDrift } from '@aurorasoc/gateway/compose';
import { SCOPES } from '@aurorasoc/kit/auth';
import { printDomainSchema } from '@aurorasoc/kit/graphql';
import { buildMemorySchema } from '@aurorasoc/memory/schema';
import { buildPlaybooksSchema } from '@aurorasoc/playbooks/schema';
import {
  buildSchema,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getNamedType,
  isInputObjectType,
  isNonNullType,
  isObjectType,
  isScalarType,
  isUnionType,
} from 'graphql';
import { describe, expect, it } from 'vitest';

const root = new URL('../../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

const SUBGRAPHS = {
  alerts: buildAlertsSchema,
  agents: buildAgentsSchema,
  federation: buildFederationSchema,
  memory: buildMemorySchema,
  playbooks: buildPlaybooksSchema,
  devices: buildDevicesSchema,
};

describe('the graph', () => {
  it.each(Object.entries(SUBGRAPHS))(
    'of %s is written down as its classes say (else: npm run compose)',
    async (name, build) => {
      expect(printDomainSchema(await build())).toBe(read(`subgraphs/${name}/schema.graphql`));
    },
  );

  it('is composed of them (else: npm run compose)', () => {
    const composed = composeSupergraph(fileURLToPath(new URL('supergraph.yaml', root)));
    expect(describeDrift(read('supergraph.graphql'), composed)).toBeUndefined();
  });

  it.each(Object.entries(SUBGRAPHS))('of %s describes every type, field and argument', async (_name, build) => {
    const types = Object.values((await build()).getTypeMap()).filter(
      (type) => !type.name.startsWith('_') && !isFederation(type),
    );
    expect(types.flatMap(undescribed)).toEqual([]);
  });

  it.each(Object.entries(SUBGRAPHS))(
    'of %s calls events, signals, alerts and cases by these names only',
    async (_name, build) => {
      const descriptions = Object.values((await build()).getTypeMap()).flatMap(descriptionsOf);
      expect(descriptions.length).toBeGreaterThan(50);
      expect(descriptions.filter((description) => /\b(finding|incident|detection)s?\b/i.test(description))).toEqual([]);
    },
  );

  it('may be null wherever it leads into another domain, so that one that is down costs its own fields alone', async () => {
    const schemas = await Promise.all(Object.values(SUBGRAPHS).map((build) => build()));
    const roots = schemas.flatMap((schema) => [schema.getQueryType(), schema.getMutationType()]);
    expect(roots.flatMap((type) => fieldsOf(type).filter(isNeeded))).toEqual([]);
    const doors = schemas.flatMap((schema) => doorsOf(schema, schemas));
    expect(doors.map(({ name }) => name)).toEqual(expect.arrayContaining(['alert', 'investigations']));
    expect(doors.filter(isNeeded)).toEqual([]);
  });

  it('asks the same right of a reader for a type that several domains answer with, whichever does', async () => {
    const [alerts, agents] = await Promise.all([buildAlertsSchema(), buildAgentsSchema()]);
    const shared = Object.keys(alerts.getTypeMap()).filter((name) => isAnswer(alerts, name) && isAnswer(agents, name));
    expect(shared).toEqual(expect.arrayContaining(['Actor', 'AlertNotFound', 'CaughtUp', 'PageInfo']));
    for (const name of shared) expect(openTo(agents, name), name).toEqual(openTo(alerts, name));
  });
});

/** Roots and entities are each domain's own part of a whole. */
function isAnswer(schema: GraphQLSchema, name: string): boolean {
  const type = schema.getType(name);
  const isRoot =
    type === schema.getQueryType() || type === schema.getMutationType() || type === schema.getSubscriptionType();
  const entities = schema.getType('_Entity');
  const isEntity = isUnionType(entities) && entities.getTypes().some((entity) => entity.name === name);
  return isObjectType(type) && !isRoot && !isEntity && !name.startsWith('_');
}

type AnyField = ReturnType<GraphQLObjectType['getFields']>[string];

const fieldsOf = (type: unknown): AnyField[] => (isObjectType(type) ? Object.values(type.getFields()) : []);
const isNeeded = ({ name, type }: AnyField): boolean => !name.startsWith('_') && isNonNullType(type);

/** Fields of a domain that show an entity of another one, and those that it adds to such an entity. */
function doorsOf(schema: GraphQLSchema, all: readonly GraphQLSchema[]): AnyField[] {
  const isForeign = (name: string): boolean => {
    // Whoever says the most of an entity is the one that holds it.
    const count = (of: GraphQLSchema): number => fieldsOf(of.getType(name)).length;
    return count(schema) > 0 && !isAnswer(schema, name) && all.some((other) => count(other) > count(schema));
  };
  const roots = new Set<unknown>([schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]);
  const types = Object.values(schema.getTypeMap()).filter((type) => !roots.has(type));
  return types.flatMap((type) =>
    fieldsOf(type).filter(({ name, type: shown }) =>
      isForeign(type.name) ? name !== 'id' : isForeign(getNamedType(shown).name),
    ),
  );
}

/** For each field, the scopes of which one alone opens it. */
function openTo(schema: GraphQLSchema, name: string): Record<string, string[]> {
  const type = schema.getType(name);
  if (!isObjectType(type)) throw new Error(`no type ${name}`);
  const isOpen = (field: string, scope: string): boolean => {
    const { resolve } = type.getFields()[field] ?? {};
    const principal = { tenant: '', subject: 'ann', kind: 'user', scopes: [scope] };
    const info = { parentType: type, fieldName: field } as GraphQLResolveInfo;
    try {
      resolve?.({}, {}, { principal }, info);
      return true;
    } catch {
      return false;
    }
  };
  return Object.fromEntries(
    Object.keys(type.getFields()).map((field) => [field, SCOPES.filter((scope) => isOpen(field, scope))]),
  );
}

function descriptionsOf(type: GraphQLNamedType): string[] {
  const fields = isObjectType(type) || isInputObjectType(type) ? Object.values(type.getFields()) : [];
  const args = fields.flatMap((field) => ('args' in field ? field.args : []));
  return [type, ...fields, ...args].flatMap(({ description }) => description ?? []);
}

function isFederation(type: GraphQLNamedType): boolean {
  const standard = buildSchema('type Query { ok: Boolean }').getType(type.name);
  return (
    /^(link|federation)__/.test(type.name) ||
    (isScalarType(type) && (standard !== undefined || type.name === 'FieldSet'))
  );
}

function undescribed(type: GraphQLNamedType): string[] {
  const isRoot = ['Query', 'Mutation', 'Subscription'].includes(type.name);
  const missing = isRoot || type.description ? [] : [type.name];
  if (isObjectType(type)) {
    for (const field of Object.values(type.getFields())) {
      if (field.name.startsWith('_')) continue;
      if (!field.description) missing.push(`${type.name}.${field.name}`);
      for (const argument of field.args)
        if (!argument.description) missing.push(`${type.name}.${field.name}(${argument.name}:)`);
    }
  }
  if (isInputObjectType(type)) {
    for (const field of Object.values(type.getFields()))
      if (!field.description) missing.push(`${type.name}.${field.name}`);
  }
  return missing;
}
