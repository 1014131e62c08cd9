import { connectionType, Rights } from '@aurorasoc/kit/graphql';
import { ActorType } from '@aurorasoc/kit/live';
import { createUnionType, Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { DomainErasure, TenantErasure } from './tenant-erasure.entity.js';

export enum ErasureState {
  ERASING = 'ERASING',
  ERASED = 'ERASED',
}
registerEnumType(ErasureState, {
  name: 'ErasureState',
  description: 'How far an erasure is.',
  valuesConfig: {
    ERASING: { description: 'It was asked for; something of the tenant may be left.' },
    ERASED: { description: 'Nothing of the tenant is left but ids and hashes.' },
  },
});

@Rights('site:administer')
@ObjectType('ErasedTable', { description: 'Rows of one table that were taken away.' })
export class ErasedTableType {
  @Field(() => String, { description: "Its name in the domain's schema." })
  name!: string;

  @Field(() => Int, { description: 'How many rows.' })
  rows!: number;
}

@Rights('site:administer')
@ObjectType('DomainErasure', { description: 'How far one domain is with the erasure of a tenant.' })
export class DomainErasureType {
  @Field(() => String, { description: 'The domain.' })
  domain!: string;

  @Field(() => ErasureState, { description: 'ERASED once the domain has said so.' })
  state!: ErasureState;

  @Field(() => Date, { nullable: true, description: 'When it was done; null until then.' })
  erasedAt!: Date | null;

  @Field(() => [ErasedTableType], { description: 'What was taken away, by table; known at the end.' })
  tables!: ErasedTableType[];

  @Field(() => Int, { description: 'Entries of streams that were taken away; others had been trimmed before.' })
  streamEntries!: number;

  @Field(() => Int, { description: 'Dead letters that were taken away.' })
  deadLetters!: number;
}

@Rights('site:administer')
@ObjectType('TenantErasure', { description: 'That a tenant leaves every domain of the site, for good.' })
export class TenantErasureType {
  @Field(() => ID, { description: 'UUIDv7.' })
  id!: string;

  @Field(() => ID, { description: 'The tenant that is erased. Nothing can be written for it any more.' })
  tenantId!: string;

  @Field(() => ErasureState, { description: 'ERASED once every domain is.' })
  state!: ErasureState;

  @Field(() => String, { description: 'Why, in the words of who asked first.' })
  reason!: string;

  @Field(() => ActorType, { description: 'Who asked first.' })
  requestedBy!: ActorType;

  @Field(() => Date, { description: 'When it was asked for first.' })
  requestedAt!: Date;

  @Field(() => Date, { nullable: true, description: 'When the last domain was done; null until then.' })
  completedAt!: Date | null;

  @Field(() => [DomainErasureType], { description: 'Every domain of the site, by name.' })
  domains!: DomainErasureType[];
}

export const TenantErasureConnection = connectionType(TenantErasureType, 'TenantErasure', 'site:administer');

@Rights('site:administer')
@ObjectType({ description: 'The confirmation is not the id of the tenant; nothing was done.' })
export class ErasureNotConfirmed {
  @Field(() => ID, { description: 'What `confirmation` must say.' })
  tenantId!: string;
}

export const EraseTenantResult = createUnionType({
  name: 'EraseTenantResult',
  description: 'Outcome of `eraseTenant`.',
  types: () => [TenantErasureType, ErasureNotConfirmed] as const,
  resolveType: (value) => ('state' in value ? TenantErasureType : ErasureNotConfirmed),
});

@InputType({ description: 'Whose data is to go.' })
export class EraseTenantInput {
  @Field(() => ID, { description: 'The tenant.' })
  tenantId!: string;

  @Field(() => String, { description: 'The same id once more, since this cannot be undone.' })
  confirmation!: string;

  @Field(() => String, { description: 'Why, for the record that stays; 1 to 500 characters.' })
  reason!: string;
}

export function toErasureType(erasure: TenantErasure): TenantErasureType {
  const { id, erasedTenant: tenantId, reason, requestedBy, requestedAt, completedAt } = erasure;
  return Object.assign(new TenantErasureType(), {
    id,
    tenantId,
    reason,
    requestedBy,
    requestedAt,
    completedAt,
    state: stateOf(completedAt),
    domains: erasure.domains.map(toDomainType),
  });
}

function toDomainType({ domain, erasedAt, tables, streamEntries, deadLetters }: DomainErasure): DomainErasureType {
  return {
    domain,
    state: stateOf(erasedAt),
    erasedAt: erasedAt === null ? null : new Date(erasedAt),
    tables: Object.entries(tables)
      .map(([name, rows]) => ({ name, rows }))
      .sort((one, other) => (one.name < other.name ? -1 : 1)),
    streamEntries,
    deadLetters,
  };
}

function stateOf(end: unknown): ErasureState {
  return end === null ? ErasureState.ERASING : ErasureState.ERASED;
}
