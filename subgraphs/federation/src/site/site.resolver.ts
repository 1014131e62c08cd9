import { Rights } from '@aurorasoc/kit/graphql';
import { Ctx, Query, Resolver } from 'type-graphql';
import type { FederationContext } from '../context.js';
import { SiteType } from './site.type.js';

@Resolver(() => SiteType)
export class SiteResolver {
  @Rights('site:read')
  @Query(() => SiteType, { description: 'This site and the key by which others know it.' })
  site(@Ctx() { services }: FederationContext): Promise<SiteType> {
    return services.identity.read();
  }
}
