/**
 * The logic of a rule: a tree of and, or, not over comparisons. Both the interpreter and the engine run from it.
 * Fields keep their Sigma names; a taxonomy tells where they stand in an event.
 */
import type { BoundedRegex } from '../pattern/bounded-regex.js';
import type { CidrNetwork } from '../pattern/cidr.js';
import type { Pattern } from '../pattern/pattern.js';
import type { TimePart } from '../pattern/time-part.js';

export type NumericOperator = 'eq' | 'lt' | 'lte' | 'gt' | 'gte';

/** Where in the field the other text must stand. */
export type TextRelation = 'equals' | 'contains' | 'startswith' | 'endswith';

/** A field's text against a pattern. `field: null` is a keyword: any value of the event. */
export interface TextComparison {
  readonly type: 'text';
  readonly field: string | null;
  readonly pattern: Pattern;
  readonly cased: boolean;
}
/** The expression is searched anywhere in the texts, as far as it reaches. `field: null` as above. */
export interface RegexComparison {
  readonly type: 'regex';
  readonly field: string | null;
  readonly regex: BoundedRegex;
}
export interface CidrComparison {
  readonly type: 'cidr';
  readonly field: string;
  readonly network: CidrNetwork;
}
export interface NumberComparison {
  readonly type: 'number';
  readonly field: string;
  readonly operator: NumericOperator;
  readonly value: number;
}
export interface TimeComparison {
  readonly type: 'time';
  readonly field: string;
  readonly part: TimePart;
  readonly operator: NumericOperator;
  readonly value: number;
}
/** True when the field is missing, null, or a list without any value. */
export interface NullComparison {
  readonly type: 'null';
  readonly field: string;
}
/** Presence alone counts: a field that holds null or '' exists. */
export interface ExistsComparison {
  readonly type: 'exists';
  readonly field: string;
  readonly expected: boolean;
}
/** Any value of one field against any value of another. */
export interface FieldComparison {
  readonly type: 'fieldref';
  readonly field: string;
  readonly other: string;
  readonly relation: TextRelation;
  readonly cased: boolean;
}

export type Comparison =
  | TextComparison
  | RegexComparison
  | CidrComparison
  | NumberComparison
  | TimeComparison
  | NullComparison
  | ExistsComparison
  | FieldComparison;

/** Selections that a condition names several times are shared, so the tree may be a directed acyclic graph. */
export type DetectionNode =
  | { readonly type: 'and'; readonly children: readonly DetectionNode[] }
  | { readonly type: 'or'; readonly children: readonly DetectionNode[] }
  | { readonly type: 'not'; readonly child: DetectionNode }
  | Comparison;

/** Joins with and; a single child stands for itself. */
export function allOf(children: readonly DetectionNode[]): DetectionNode {
  const [only] = children;
  return only !== undefined && children.length === 1 ? only : { type: 'and', children };
}

/** Joins with or; a single child stands for itself. */
export function anyOf(children: readonly DetectionNode[]): DetectionNode {
  const [only] = children;
  return only !== undefined && children.length === 1 ? only : { type: 'or', children };
}

/** Comparisons of the tree, shared parts counted at every place they stand in. */
export function countComparisons(node: DetectionNode, known = new Map<DetectionNode, number>()): number {
  const seen = known.get(node);
  if (seen !== undefined) return seen;
  let count = 1;
  if (node.type === 'not') count = countComparisons(node.child, known);
  else if (node.type === 'and' || node.type === 'or')
    count = node.children.reduce((sum, child) => sum + countComparisons(child, known), 0);
  known.set(node, count);
  return count;
}
