/** Why a rule was refused. Codes are stable; messages are for people. */
export type SigmaRuleErrorCode =
  /** Not YAML, or YAML that is broken before any Sigma key is read. */
  | 'INVALID_YAML'
  /** A mandatory key is missing: title, logsource, detection, condition. */
  | 'MISSING_FIELD'
  /** A key holds a value of the wrong type or outside its vocabulary. */
  | 'INVALID_FIELD'
  | 'DUPLICATE_KEY'
  | 'DUPLICATE_ID'
  /** The text holds more documents than its reader takes. */
  | 'SEVERAL_RULES'
  /** The condition cannot be read, or names a selection that does not exist. */
  | 'INVALID_CONDITION'
  | 'UNKNOWN_MODIFIER'
  /** Modifiers that exclude each other, stand in the wrong order or do not fit the value. */
  | 'INVALID_MODIFIER'
  | 'INVALID_REGEX'
  | 'INVALID_CIDR'
  | 'UNRESOLVED_PLACEHOLDER'
  /** Valid Sigma that this engine does not implement. */
  | 'UNSUPPORTED'
  /** A size limit is exceeded, see `LIMITS`. */
  | 'TOO_COMPLEX';

/** Position in the text given to `parseRules`; both count from 1. */
export interface SourcePosition {
  readonly line: number;
  readonly column: number;
}

export interface SigmaRuleErrorDetails extends SourcePosition {
  readonly code: SigmaRuleErrorCode;
  /** Path of the offending key inside the rule, for example `detection.selection.Image|re`. */
  readonly field: string;
  /** What is wrong and what to do about it. */
  readonly message: string;
  readonly cause?: unknown;
}

/** A rule that was refused as a whole, with the place and the reason. */
export class SigmaRuleError extends Error {
  override readonly name = 'SigmaRuleError';
  readonly code: SigmaRuleErrorCode;
  readonly line: number;
  readonly column: number;
  readonly field: string;
  /** The refused rule's `id` and `title`, as far as they could be read. */
  readonly ruleId: string | undefined;
  readonly title: string | undefined;
  /** The name given to `parseRules`. */
  readonly sourceName: string | undefined;

  constructor(
    details: SigmaRuleErrorDetails,
    rule: {
      readonly ruleId?: string | undefined;
      readonly title?: string | undefined;
      readonly sourceName?: string;
    } = {},
  ) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
    this.line = details.line;
    this.column = details.column;
    this.field = details.field;
    this.ruleId = rule.ruleId;
    this.title = rule.title;
    this.sourceName = rule.sourceName;
  }
}

/**
 * The refusal of one place, thrown while a rule is read. `parseRules` catches it and adds which rule it was;
 * code below the parser need not carry the rule's identity around.
 */
export class Refusal extends Error {
  constructor(readonly details: SigmaRuleErrorDetails) {
    super(details.message);
  }
}

/** Throws the refusal of the value at `position`. */
export function refuse(
  position: SourcePosition,
  code: SigmaRuleErrorCode,
  field: string,
  message: string,
  cause?: unknown,
): never {
  const { line, column } = position;
  throw new Refusal({ code, line, column, field, message, ...(cause === undefined ? {} : { cause }) });
}
