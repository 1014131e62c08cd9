/**
 * Sigma rules in, matches out.
 *
 * `parseRules` turns YAML into rules or refusals with a line and a reason; `createEngine` compiles rules for many
 * events; `interpret` is the slow, plain reading of the same rules that the engine is tested against. No I/O.
 */
export type { Comparison, DetectionNode } from './detection/detection-node.js';
export type { Placeholders } from './detection/expand-placeholders.js';
export {
  createEngine,
  createEngineInSteps,
  type Engine,
  type EngineOptions,
  type Evaluation,
} from './engine/engine.js';
export { finish, type Steps } from './engine/steps.js';
export type { EventDocument, EventValue } from './event/event-document.js';
export { interpret } from './interpret.js';
export { type AttackTags, readAttackTags } from './rule/attack-tags.js';
export { LIMITS, READER_VERSION } from './rule/limits.js';
export { type ParsedRules, type ParseOptions, parseRules } from './rule/parse-rules.js';
export type { Logsource, RelatedRule, SigmaLevel, SigmaRule, SigmaStatus } from './rule/rule.js';
export { SIGMA_LEVELS, SIGMA_STATUSES } from './rule/rule.js';
export { SigmaRuleError, type SigmaRuleErrorCode } from './rule/rule-error.js';
export type { EventLogsource, FieldPath, Taxonomy } from './taxonomy/taxonomy.js';
export { windowsTaxonomy } from './taxonomy/windows-taxonomy.js';
