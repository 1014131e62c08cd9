/** The subgraph's schema. */
import { buildDomainSchema } from '@aurorasoc/kit/graphql';
import type { GraphQLSchema } from 'graphql';
import { DeadLetterReplayResolver, DeadLetterResolver } from './dead-letter/dead-letter.resolver.js';
import { TenantErasureResolver } from './erasure/tenant-erasure.resolver.js';
import { SiteHealthResolver } from './health/site-health.resolver.js';
import { SettingResolver } from './setting/setting.resolver.js';
import { SiteResolver } from './site/site.resolver.js';

export function buildFederationSchema(): Promise<GraphQLSchema> {
  return buildDomainSchema({
    resolvers: [
      SiteResolver,
      DeadLetterResolver,
      DeadLetterReplayResolver,
      TenantErasureResolver,
      SiteHealthResolver,
      SettingResolver,
    ],
    references: {},
  });
}
