import { connectionType, Rights } from '@aurorasoc/kit/graphql';
import { createUnionType, Directive, Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { SeverityEnum } from '../alert/alert.type.js';
import { attackOf, severityOf } from '../detection/signals.js';
import type { DetectionRuleView } from './find-rules.js';

export enum RuleOrigin {
  BUILT_IN = 'BUILT_IN',
  TENANT = 'TENANT',
}
registerEnumType(RuleOrigin, {
  name: 'RuleOrigin',
  description: 'Whether a rule comes with the product or was saved here.',
});

@Directive('@key(fields: "id")')
@Rights('rules:read')
@ObjectType('DetectionRule', { description: 'A Sigma rule.' })
export class DetectionRuleType {
  @Field(() => ID, { description: "Sigma's `id`." })
  id!: string;

  @Field(() => Int, { description: 'Grows by one each time the rule is saved.' })
  version!: number;

  @Field(() => String, { description: "Sigma's `title`." })
  title!: string;

  @Field(() => String, { nullable: true, description: "Sigma's `description`." })
  description!: string | null;

  @Field(() => String, { nullable: true, description: 'Who wrote it.' })
  author!: string | null;

  @Field(() => SeverityEnum, { description: 'Severity of the alerts that it opens.' })
  severity!: keyof typeof SeverityEnum;

  @Field(() => [String], { description: 'MITRE ATT&CK technique ids.' })
  techniques!: string[];

  @Field(() => [String], { description: 'MITRE ATT&CK tactic ids, such as TA0002.' })
  tactics!: string[];

  @Field(() => [String], { description: 'What else it may match, in the words of its author.' })
  falsePositives!: string[];

  @Field(() => RuleOrigin, { description: 'Where it comes from.' })
  origin!: keyof typeof RuleOrigin;

  @Field(() => Boolean, { description: 'Whether it is in force.' })
  isEnabled!: boolean;

  @Field(() => String, { description: 'The YAML document.' })
  source!: string;
}

export const DetectionRuleConnection = connectionType(DetectionRuleType, 'DetectionRule', 'rules:read');

@InputType({ description: 'A YAML document that holds one Sigma rule.' })
export class RuleDocumentInput {
  @Field(() => String, {
    description: 'Where it comes from, such as a file name, in at most 500 characters; named in refusals.',
  })
  name!: string;

  @Field(() => String, { description: 'The YAML text.' })
  text!: string;
}

@InputType({ description: 'Rules to save.' })
export class ImportDetectionRulesInput {
  @Field(() => [RuleDocumentInput], { description: 'At most 500 at a time.' })
  documents!: RuleDocumentInput[];
}

@Rights('rules:read')
@ObjectType({ description: 'A document that was not saved.' })
export class RefusedRuleType {
  @Field(() => String, { description: 'Its name, as it was given.' })
  name!: string;

  @Field(() => String, {
    description:
      'Why, for programs. Of the document: NO_RULE, SEVERAL_RULES, ID_MISSING, UNSTORABLE_TEXT, or DUPLICATE_ID where an earlier rule of the import has the same id. Of the rule in it: INVALID_YAML, MISSING_FIELD, INVALID_FIELD, DUPLICATE_KEY, INVALID_CONDITION, UNKNOWN_MODIFIER, INVALID_MODIFIER, INVALID_REGEX, INVALID_CIDR, UNRESOLVED_PLACEHOLDER, UNSUPPORTED, TOO_COMPLEX. Of the tenant: TOO_MANY_RULES, RULES_TOO_LARGE. More may come.',
  })
  code!: string;

  @Field(() => String, { description: 'Why, for people.' })
  message!: string;

  @Field(() => Int, { nullable: true, description: 'Line of the document, from 1.' })
  line!: number | null;

  @Field(() => Int, { nullable: true, description: 'Column, from 1.' })
  column!: number | null;
}

@Rights('rules:read')
@ObjectType({ description: 'What became of the documents.' })
export class ImportedRules {
  @Field(() => Int, { description: 'How many were saved.' })
  saved!: number;

  @Field(() => Int, { description: 'How many were there already, word for word.' })
  unchanged!: number;

  @Field(() => [RefusedRuleType], { description: 'Those that were refused.' })
  refused!: RefusedRuleType[];
}

@Rights('rules:read')
@ObjectType({ description: 'Nothing was saved: every document was refused.' })
export class NoRuleAccepted {
  @Field(() => [RefusedRuleType], { description: 'Why.' })
  refused!: RefusedRuleType[];
}

export const ImportDetectionRulesResult = createUnionType({
  name: 'ImportDetectionRulesResult',
  description: 'Outcome of `importDetectionRules`.',
  types: () => [ImportedRules, NoRuleAccepted] as const,
  resolveType: (value) => ('saved' in value ? ImportedRules : NoRuleAccepted),
});

export function toDetectionRuleType(view: DetectionRuleView): DetectionRuleType {
  const { facts } = view;
  return {
    id: view.id,
    version: view.version,
    title: view.title,
    description: facts?.description ?? null,
    author: facts?.author ?? null,
    severity: severityOf(view),
    ...attackOf(facts ?? { tags: [] }),
    falsePositives: [...(facts?.falsePositives ?? [])],
    origin: view.origin,
    isEnabled: view.isEnabled && facts !== undefined,
    source: view.source,
  };
}
