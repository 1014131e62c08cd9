import { badUserInput } from '@aurorasoc/kit/errors';
import { type Connection, decodeKeyset, type PagedList, pageSize, Rights, toConnection } from '@aurorasoc/kit/graphql';
import { isUuid } from '@aurorasoc/kit/ids';
import { Arg, Ctx, ID, Int, Mutation, Query, Resolver } from 'type-graphql';
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
import { findRules } from './find-rules.js';
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
    if (!isUuid(id)) throw badUserInput('id', 'A rule id is a UUID in lower case');
    const rule = await loaders.rule.load(id);
    return rule && toDetectionRuleType(rule);
  }

  @Rights('rules:read')
  @Query(() => DetectionRuleConnection, { description: "The product's rules and yours, by id." })
  async detectionRules(
    @Ctx() { services, principal }: AlertsContext,
    @Arg('first', () => Int, { nullable: true, defaultValue: 50, description: 'Page size, 1 to 200.' }) first?:
      | number
      | null,
    @Arg('after', () => String, { nullable: true, description: 'The `endCursor` of the page before.' }) after?:
      | string
      | null,
  ): Promise<Connection<DetectionRuleType>> {
    const size = pageSize(first);
    const last = decodeKeyset(DETECTION_RULES, after)?.[0];
    const rules = (await findRules(services, principal.tenant)).filter((rule) => last === undefined || rule.id > last);
    return toConnection(DETECTION_RULES, rules, size, last !== undefined, toDetectionRuleType, (rule) => [rule.id]);
  }

  @Rights('rules:write')
  @Mutation(() => ImportDetectionRulesResult, {
    description: 'Saves Sigma rules; in force for every batch of events that comes after.',
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
