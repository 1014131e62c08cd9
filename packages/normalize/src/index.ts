/**
 * Log lines in, ECS events out.
 *
 * A mapping spec says as data where a source keeps its fields and what they are called in ECS; `createNormalizer`
 * compiles specs to closures. The same spec files drive the Rust engine, so everything here is total and
 * deterministic: equal bytes in give equal bytes out.
 */

export { createNormalizer, MAX_LINE_BYTES } from './create-normalizer.js';
export { NormalizeError, type NormalizeErrorCode } from './errors.js';
export type {
  NormalizeContext,
  NormalizedEvent,
  Normalizer,
  ParsedEvent,
  RawEvent,
  ReasonCode,
} from './normalizer.types.js';
export { BUNDLED_SPECS } from './spec/bundled-specs.js';
export type {
  CaseSpec,
  FieldSpec,
  MappingSpec,
  NameCondition,
  OperatorStep,
  PathCondition,
  ShapeSpec,
} from './spec/mapping-spec.types.js';
export { parseMappingSpec } from './spec/parse-mapping-spec.js';
