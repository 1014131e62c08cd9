import { Rights } from '@aurorasoc/kit/graphql';
import { Field, ObjectType, registerEnumType } from 'type-graphql';

export enum SettingSourceEnum {
  ENVIRONMENT = 'ENVIRONMENT',
  DEFAULT = 'DEFAULT',
}
registerEnumType(SettingSourceEnum, {
  name: 'SettingSource',
  description: 'Where the value of a setting comes from.',
  valuesConfig: {
    ENVIRONMENT: { description: "The variable of this name in the process' environment." },
    DEFAULT: { description: 'Nobody set it.' },
  },
});

@Rights('site:read')
@ObjectType('Setting', { description: 'A variable that the site reads at its start.' })
export class SettingType {
  @Field(() => String, { description: 'Name of the variable.' })
  name!: string;

  @Field(() => String, {
    nullable: true,
    description: 'What is in force; null where nothing is. Of URLs only scheme, host, port and path.',
  })
  value!: string | null;

  @Field(() => String, { description: 'What it does.' })
  description!: string;

  @Field(() => SettingSourceEnum, { description: 'Who set it.' })
  source!: SettingSourceEnum;
}
