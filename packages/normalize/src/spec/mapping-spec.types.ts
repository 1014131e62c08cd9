import type { OperatorArgument } from '../operators/operator.types.js';
import type { PrepareStep } from '../prepare/prepare.types.js';

/** A value as JSON can hold it. */
export type JsonLiteral = OperatorArgument;

/**
 * How one kind of source becomes ECS, as data. A spec without `extends` is a source of its own: it says in `shapes` how
 * to recognise its documents and where they keep things. A spec with `extends` refines such a source for some of its
 * events, e.g. those of one Windows provider: its fields come after the parent's.
 */
export interface MappingSpec {
  /** Lower-case words joined by dots, e.g. `windows.sysmon`; becomes `aurora.spec.id`. */
  readonly id: string;
  readonly version: string;
  readonly description?: string;
  /** Id of a spec with `shapes`. */
  readonly extends?: string;
  /** With `extends` only: all conditions must hold. The first matching spec in the order given is taken. */
  readonly match?: readonly NameCondition[];
  /** Without `extends` only: the ways shippers lay such a document out; the first that matches is taken. */
  readonly shapes?: readonly ShapeSpec[];
  /** Texts that stand for "no value" in this source, such as `-`; `fields` treat them like a missing key. */
  readonly absent?: readonly string[];
  readonly fields?: readonly FieldSpec[];
  /** Fields for some events only, evaluated in order after `fields`. */
  readonly cases?: readonly CaseSpec[];
  /** Target of the shape's `data`, unchanged, e.g. `winlog.event_data`. */
  readonly data?: string;
  /** Target of everything that no field reads, at its original path, e.g. `aurora.fields`. */
  readonly rest?: string;
  /** `ecs`: members that are ECS fields of the right type keep their place, the others go to `rest`. */
  readonly keep?: 'ecs';
}

export interface ShapeSpec {
  readonly id: string;
  /** Whether `{"a.b": 1}` means `{"a": {"b": 1}}` here. */
  readonly dotted?: boolean;
  readonly match: readonly PathCondition[];
  /** Steps `[name, ...arguments]` that change a matching document before anything else is read, in this order. */
  readonly prepare?: readonly PrepareStep[];
  /**
   * `ecs`: members that are ECS fields of the right type keep their place, unless a field of the spec has a value for
   * it. The others go to `rest`, as always.
   */
  readonly keep?: 'ecs';
  /** What fields call `from`, each with the paths it may stand at; the first path with a usable value counts. */
  readonly names?: Readonly<Record<string, readonly string[]>>;
  /** Paths whose values say nothing about the event, e.g. an XML namespace; they do not go to `rest`. */
  readonly ignore?: readonly string[];
  /** Where the event's own parameters are; fields read them as `data.<name>`. */
  readonly data?: {
    /** Paths of objects; the empty path is the document itself, `*` the first member that is an object. */
    readonly at: readonly string[];
    /** Keys of the document that are not event parameters. */
    readonly except?: readonly string[];
  };
}

/** Holds if one of the paths leads to such a value; `present` is anything but null. */
export interface PathCondition {
  readonly at: readonly string[];
  readonly is: 'object' | 'scalar' | 'present';
}

/** Holds if the value of one of the names, ASCII letters in lower case, is listed. */
export interface NameCondition {
  readonly of: readonly string[];
  readonly in: readonly string[];
  /** Turns the condition round: it holds if no value is listed. */
  readonly not?: boolean;
}

export interface CaseSpec {
  readonly when: readonly NameCondition[];
  readonly fields: readonly FieldSpec[];
}

/** A later field replaces an earlier one with the same target, but only when it has a value. */
export interface FieldSpec {
  /** Dotted target path in the event. */
  readonly to: string;
  /** Names or `data.<name>`, tried in order; without it the field is the constant in `default`. */
  readonly from?: string | readonly string[];
  /** Steps `[name, ...arguments]`, applied in order; none copies the value as it is. */
  readonly op?: readonly OperatorStep[];
  /** Gathers the distinct results of all sources into a list, instead of the first result. */
  readonly collect?: boolean;
  readonly default?: JsonLiteral;
}

export type OperatorStep = readonly [name: string, ...args: OperatorArgument[]];
