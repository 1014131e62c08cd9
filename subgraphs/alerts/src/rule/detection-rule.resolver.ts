import { type Connection, PageArgs, type PagedList, Rights, readPage, uuidOf } from '@aurorasoc/kit/graphql';
import { Arg, Args, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql';
import type { AlertsContext } from '../context.js';
import {
  DetectionRuleConnection,
  DetectionRuleType,
  ImportDetectionRulesInput,
  ImportDetectionRulesResult,
  ImportedRules,
  NoRuleAccepted,
  toDetectionRuleType,
} from './detection-rule.type.js';
import { listRules } from './find-rules.js';
import { importDetectionRules } from './import-detection-rules.js';

const DETECTION_RULES: PagedList = { name: 'detection rules', sortedBy: ['id'] };

@Resolver(() => DetectionRuleType)
export class DetectionRuleResolver {
  @Rights('rules:read')
  @Query(() => DetectionRuleType, { nullable: true, description: 'One rule by its Sigma id.' })
  async detectionRule(
    @Arg('id', () => ID, { description: "Sigma's `id`." }) id: string,
    @Ctx() { loaders }: AlertsContext,
  ): Promise<DetectionRuleType | null> {
    const rule = await loaders.rule.load(uuidOf('id', id));
    return rule && toDetectionRuleType(rule);
  }

  @Rights('rules:read')
  @Query(() => DetectionRuleConnection, { description: "The product's rules and yours, by id." })
  async detectionRules(
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() { services, principal }: AlertsContext,
  ): Promise<Connection<DetectionRuleType>> {
    return readPage(args, {
      list: DETECTION_RULES,
      read: (after, limit) => listRules(services, principal.tenant, after?.[0], limit),
      keysOf: (rule) => [rule.id],
      toNode: toDetectionRuleType,
    });
  }

  @Rights('rules:write')
  @Mutation(() => ImportDetectionRulesResult, {
    description:
      'Saves Sigma rules; in force for every batch of events that comes after. You may hold 5,000 rules of your own: what goes beyond is refused with the code `TOO_MANY_RULES`, and with `RULES_TOO_LARGE` what would make them too large together; as many rules as the public ones are on average have room.',
  })
  async importDetectionRules(
    @Arg('input', () => ImportDetectionRulesInput, { description: 'The rules.' }) input: ImportDetectionRulesInput,
    @Ctx() { services, principal }: AlertsContext,
  ): Promise<ImportedRules | NoRuleAccepted> {
    const outcome = await importDetectionRules(services, principal, input.documents);
    const isAnyAccepted = outcome.saved + outcome.unchanged > 0 || input.documents.length === 0;
    return isAnyAccepted
      ? Object.assign(new ImportedRules(), outcome)
      : Object.assign(new NoRuleAccepted(), { refused: outcome.refused });
  }
}
