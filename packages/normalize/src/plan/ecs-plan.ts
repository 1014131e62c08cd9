/** Documents that are ECS already keep their ECS fields in place; whatever is not ECS moves to the rest. */
import { ECS_FIELDS, type EcsField, type EcsType } from '../ecs/ecs-fields.js';
import { JsonArray, JsonObject, type JsonText, type JsonValue, quote, writeCanonical } from '../json/json-value.js';
import { ObjectTree } from '../json/object-tree.js';
import type { MappingSpec, OperatorStep } from '../spec/mapping-spec.types.js';
import { compileToJson } from './compile-operators.js';
import { hashSpec, type Plan } from './compile-plan.js';
import { ECS_VERSION, isReservedTarget, type Receipt } from './receipt.js';

type Converter = (value: JsonValue) => JsonText | undefined;

/** The same operators a spec would use, so that both engines agree on what looks right. */
const STEPS: Readonly<Record<EcsType, readonly OperatorStep[]>> = {
  text: [['string']],
  date: [['timestamp']],
  ip: [['ip']],
  integer: [['int']],
  number: [['copy']],
  boolean: [['bool']],
  object: [['copy']],
};

const CONVERTERS = new Map<EcsType, Converter>(
  Object.entries(STEPS).map(([type, steps]) => [type as EcsType, compileToJson(steps)]),
);

export function compileEcsPlan(spec: MappingSpec): Plan {
  const specSha256 = hashSpec(spec, spec);
  const restPath = (spec.rest as string).split('.');
  return {
    specId: spec.id,
    write: (document, receipt) => {
      const event = new ObjectTree();
      const rest = new ObjectTree();
      sortMembers(document, [], event, rest);
      for (const [path, value] of listOwnFields(spec.id, specSha256, receipt)) event.insert(path.split('.'), value);
      if (!rest.isEmpty) event.insert(restPath, rest.toJsonObject());
      return writeCanonical(event.toJsonObject());
    },
  };
}

function sortMembers(object: JsonObject, path: readonly string[], event: ObjectTree, rest: ObjectTree): void {
  for (const [index, value] of object.values.entries()) {
    const key = object.shape.keys[index] as string;
    const memberPath = [...path, key];
    // A key that still has a dot could not be expanded; it must not pass for the field it spells.
    const field = key.includes('.') ? undefined : ECS_FIELDS.get(memberPath.join('.'));
    if (field !== undefined && !isReservedTarget(memberPath.join('.'))) {
      const text = convert(value, field);
      if (text !== undefined) event.insert(memberPath, text);
      else if (value !== 'null') rest.insert(memberPath, value);
    } else if (value instanceof JsonObject && value.values.length > 0) {
      sortMembers(value, memberPath, event, rest);
    } else {
      rest.insert(memberPath, value);
    }
  }
}

/** @returns nothing if the value, or any item of a list, is not what the field wants: half a list would mislead. */
function convert(value: JsonValue, field: EcsField): JsonText | undefined {
  if (!field.isList) return convertItem(value, field);
  const items = value instanceof JsonArray ? value.items : [value];
  const texts = items.map((item) => convertItem(item, field));
  return texts.includes(undefined) ? undefined : `[${texts.join(',')}]`;
}

function convertItem(value: JsonValue, field: EcsField): JsonText | undefined {
  if (value === 'null') return undefined;
  const text = CONVERTERS.get(field.type)?.(value);
  return text !== undefined && isOfType(text, field) ? text : undefined;
}

/** The copying converters take any value; here it is held to its type. */
function isOfType(text: JsonText, field: EcsField): boolean {
  const first = text.charAt(0);
  if (field.type === 'number') return first === '-' || (first >= '0' && first <= '9');
  if (field.type === 'object') return first === '{' || first === '[';
  return true;
}

/** Where the document has a usable `event.kind` or `@timestamp`, that stays. */
function listOwnFields(specId: string, specSha256: string, receipt: Receipt): [path: string, value: JsonText][] {
  return [
    ['event.id', receipt.eventId],
    ['event.ingested', receipt.ingested],
    ['event.original', receipt.original],
    ['event.hash', receipt.sha256],
    ['ecs.version', quote(ECS_VERSION)],
    ['aurora.spec.id', quote(specId)],
    ['aurora.spec.sha256', quote(specSha256)],
    ['event.kind', '"event"'],
    ['@timestamp', receipt.ingested],
  ];
}
