/** Documents that are ECS already keep their ECS fields in place; whatever is not ECS moves to the rest. */
import { ECS_FIELDS } from '../ecs/ecs-fields.js';
import { JsonObject, type JsonText, quote, writeCanonical } from '../json/json-value.js';
import { ObjectTree } from '../json/object-tree.js';
import type { MappingSpec } from '../spec/mapping-spec.types.js';
import { hashSpec, type Plan } from './compile-plan.js';
import { convertToEcs } from './convert-to-ecs.js';
import { ECS_VERSION, isReservedTarget, type Receipt } from './receipt.js';

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
      const text = convertToEcs(value, field);
      if (text !== undefined) event.insert(memberPath, text);
      else if (value !== 'null') rest.insert(memberPath, value);
    } else if (value instanceof JsonObject && value.values.length > 0) {
      sortMembers(value, memberPath, event, rest);
    } else {
      rest.insert(memberPath, value);
    }
  }
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
