import type { Principal } from '@aurorasoc/kit/auth';
import { badUserInput } from '@aurorasoc/kit/errors';
import { type Connection, entityPage, PageArgs, Rights, storableText, uuidOf } from '@aurorasoc/kit/graphql';
import { NO_TENANT } from '@aurorasoc/kit/ids';
import { nameTenant, TENANTS } from '@aurorasoc/kit/tenants';
import { Arg, Args, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql';
import type { FederationContext } from '../context.js';
import { requestErasure } from './request-erasure.js';
import { TenantErasure } from './tenant-erasure.entity.js';
import {
  EraseTenantInput,
  EraseTenantResult,
  ErasureNotConfirmed,
  TenantErasureConnection,
  TenantErasureType,
  toErasureType,
} from './tenant-erasure.type.js';

@Resolver(() => TenantErasureType)
export class TenantErasureResolver {
  @Rights('site:administer')
  @Query(() => TenantErasureConnection, { description: 'Every erasure of a tenant, newest first.' })
  async tenantErasures(
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() { services }: FederationContext,
  ): Promise<Connection<TenantErasureType>> {
    const list = { name: 'tenant erasures', entity: TenantErasure };
    const found = await entityPage(services.runtime.database, NO_TENANT, list, args);
    const edges = found.edges.map(({ cursor, node }) => ({ cursor, node: toErasureType(node) }));
    return { ...found, edges, nodes: edges.map(({ node }) => node) };
  }

  @Rights('site:administer')
  @Query(() => TenantErasureType, { nullable: true, description: 'One erasure, and how far each domain is.' })
  async tenantErasure(
    @Arg('id', () => ID, { description: "The erasure's `id`." }) id: string,
    @Ctx() { services }: FederationContext,
  ): Promise<TenantErasureType | null> {
    const known = uuidOf('id', id);
    const erasure = await services.runtime.database.inTenant(NO_TENANT, (em) =>
      em.findOne(TenantErasure, { id: known }),
    );
    return erasure && toErasureType(erasure);
  }

  @Rights('site:administer')
  @Mutation(() => EraseTenantResult, {
    description:
      'Has every domain take away all that it holds of a tenant, which nothing can be written for from then on. Answers when it is recorded; `tenantErasure` tells how far it is. Asked again it is the same erasure, which every domain makes sure of once more; so it is after a backup was restored.',
  })
  async eraseTenant(
    @Arg('input', () => EraseTenantInput, { description: 'Whose data is to go.' }) input: EraseTenantInput,
    @Ctx() { services, principal }: FederationContext,
  ): Promise<TenantErasureType | ErasureNotConfirmed> {
    const tenantId = uuidOf('input.tenantId', input.tenantId);
    refuseStanding(tenantId, principal);
    const reason = storableText('input.reason', input.reason, MAX_REASON).trim();
    if (reason === '') throw badUserInput('input.reason', 'The record needs a reason');
    if (input.confirmation !== tenantId) return Object.assign(new ErasureNotConfirmed(), { tenantId });
    return toErasureType(await requestErasure(services, principal, tenantId, reason));
  }
}

const MAX_REASON = 500;

/** An id is closed for good. @throws AuroraError `BAD_USER_INPUT` for one that is still worked with when the tenant is gone. */
function refuseStanding(tenantId: string, asking: Principal): void {
  const refuse = (why: string) => badUserInput('input.tenantId', why);
  if (tenantId === NO_TENANT) throw refuse("This id is no tenant's");
  if (Object.values<string>(TENANTS).includes(tenantId))
    throw refuse(`Every site itself works with the tenant ${nameTenant(tenantId)}; it cannot be erased`);
  if (tenantId === asking.tenant)
    throw refuse('This is the tenant of your own token; ask as an administrator of another one');
}
