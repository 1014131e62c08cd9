/** Compiles a source spec and its refinements into one function that recognises documents and writes events. */
import { expandDottedKeys } from '../json/expand-dotted-keys.js';
import { JsonObject, type JsonText, type JsonValue } from '../json/json-value.js';
import { compilePrepare } from '../prepare/create-prepare.js';
import { valueAt } from '../prepare/replace-at.js';
import type { MappingSpec, PathCondition, ShapeSpec } from '../spec/mapping-spec.types.js';
import { compileConditions } from './compile-field.js';
import { compilePlan, createNameScope, type Plan } from './compile-plan.js';
import { compileEcsPlan } from './ecs-plan.js';
import type { Receipt } from './receipt.js';
import { SourceTree } from './source-tree.js';

export interface WrittenEvent {
  readonly specId: string;
  readonly json: JsonText;
}

/** Nothing means that the document is not of this source. */
export type SourceWriter = (document: JsonObject, receipt: Receipt) => WrittenEvent | undefined;

/** @throws NormalizeError `INVALID_SPEC`. */
export function compileSource(source: MappingSpec, refinements: readonly MappingSpec[]): SourceWriter {
  const shapes = (source.shapes ?? []).map((shape) => compileShape(source, shape, refinements));
  return (document, receipt) => {
    for (const write of shapes) {
      const event = write(document, receipt);
      if (event !== undefined) return event;
    }
    return undefined;
  };
}

function compileShape(source: MappingSpec, shape: ShapeSpec, refinements: readonly MappingSpec[]): SourceWriter {
  const opaquePaths = shape.data?.at ?? [];
  const matches = compilePathConditions(shape.match);
  const prepare = compilePrepare(shape.prepare ?? []);
  const selectPlan = compileSelection(source, shape, refinements);
  return (document, receipt) => {
    const expanded = shape.dotted ? expandDottedKeys(document, opaquePaths) : document;
    if (!matches(expanded)) return undefined;
    const input = prepare === undefined ? expanded : prepare(expanded);
    const plan = selectPlan(input);
    return { specId: plan.specId, json: plan.write(input, receipt) };
  };
}

/** The first refinement whose conditions hold, else the source itself. */
function compileSelection(
  source: MappingSpec,
  shape: ShapeSpec,
  refinements: readonly MappingSpec[],
): (document: JsonObject) => Plan {
  const own = source.keep === 'ecs' ? compileEcsPlan(source) : compilePlan(source, shape);
  if (refinements.length === 0) return () => own;
  const sources = new SourceTree();
  const choices = refinements.map((spec) => ({
    plan: compilePlan(source, shape, spec),
    holds: compileConditions(spec.match ?? [], createNameScope(sources, shape, spec)),
  }));
  return (document) => {
    const values = sources.pick(document);
    return choices.find(({ holds }) => holds(values))?.plan ?? own;
  };
}

function compilePathConditions(conditions: readonly PathCondition[]): (document: JsonObject) => boolean {
  const checks = conditions.map(({ at, is }) => {
    const paths = at.map((path) => path.split('.'));
    return (document: JsonObject): boolean => paths.some((path) => isOfKind(valueAt(document, path), is));
  });
  return (document) => checks.every((check) => check(document));
}

function isOfKind(value: JsonValue | undefined, kind: PathCondition['is']): boolean {
  if (value === undefined || value === 'null') return false;
  if (kind === 'object') return value instanceof JsonObject;
  return kind === 'present' || typeof value === 'string';
}
