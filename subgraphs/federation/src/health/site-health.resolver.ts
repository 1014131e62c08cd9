import { Rights } from '@aurorasoc/kit/graphql';
import { Ctx, Query, Resolver } from 'type-graphql';
import type { FederationContext } from '../context.js';
import { SiteHealth, toSiteHealth } from './site-health.type.js';

@Resolver(() => SiteHealth)
export class SiteHealthResolver {
  @Rights('site:read')
  @Query(() => SiteHealth, { description: 'How every process of this site is, asked of each directly.' })
  async siteHealth(@Ctx() { services }: FederationContext): Promise<SiteHealth> {
    return toSiteHealth(await services.probe.report(), services.runtime.environment.AURORA_MODE);
  }
}
