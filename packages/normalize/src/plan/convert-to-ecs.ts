/** Values of documents that are in ECS already, held to the type of their field. */
import type { EcsField, EcsType } from '../ecs/ecs-fields.js';
import { JsonArray, type JsonText, type JsonValue } from '../json/json-value.js';
import type { OperatorStep } from '../spec/mapping-spec.types.js';
import { compileToJson } from './compile-operators.js';

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

/** @returns nothing if the value, or any item of a list, is not what the field wants: half a list would mislead. */
export function convertToEcs(value: JsonValue, field: EcsField): JsonText | undefined {
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
