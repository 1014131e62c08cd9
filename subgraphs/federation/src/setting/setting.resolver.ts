import { Rights } from '@aurorasoc/kit/graphql';
import { Ctx, Query, Resolver } from 'type-graphql';
import type { FederationContext } from '../context.js';
import { SettingSourceEnum, SettingType } from './setting.type.js';

@Resolver(() => SettingType)
export class SettingResolver {
  @Rights('site:read')
  @Query(() => [SettingType], {
    description: 'What the federation domain of this site was told by its environment, by name.',
  })
  settings(@Ctx() { services }: FederationContext): SettingType[] {
    return services.settings.map(({ name, value, description, isSet }) => ({
      name,
      value: value ?? null,
      description,
      source: isSet ? SettingSourceEnum.ENVIRONMENT : SettingSourceEnum.DEFAULT,
    }));
  }
}
