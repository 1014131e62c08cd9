/** One Sigma rule out of its YAML: metadata, log source and detection. */
import { anyOf, countComparisons, type DetectionNode } from '../detection/detection-node.js';
import type { Placeholders } from '../detection/expand-placeholders.js';
import { parseCondition, RESERVED_WORDS } from '../detection/parse-condition.js';
import { readSelection } from '../detection/read-selection.js';
import { RuleScope } from '../detection/rule-scope.js';
import { LIMITS } from './limits.js';
import type { LocatedDocument, LocatedNode, MapNode } from './located-node.js';
import {
  readOptionalText,
  readOptionalWord,
  readRequiredMap,
  readRequiredText,
  readScalarText,
  readTextList,
} from './node-readers.js';
import { type Logsource, type RelatedRule, SIGMA_LEVELS, SIGMA_STATUSES, type SigmaRule } from './rule.js';
import { refuse } from './rule-error.js';
import { weigh } from './rule-weight.js';

/**
 * @param document - that the map is the root of.
 * @param fallbackId - taken when the rule has no id.
 * @throws Refusal at the first thing that is wrong or not supported.
 */
export function readRule(
  map: MapNode,
  document: LocatedDocument,
  source: SigmaRule['source'],
  fallbackId: string,
  placeholders: Placeholders,
): SigmaRule {
  refuseOtherKinds(map);
  const title = readRequiredText(map, 'title');
  if (title.length > 256)
    refuse(map.entries.get('title') ?? map, 'INVALID_FIELD', 'title', 'The title is longer than 256 characters.');
  const scope = new RuleScope(placeholders);
  const detection = readDetection(readRequiredMap(map, 'detection'), scope);
  return {
    id: readId(map) ?? fallbackId,
    title,
    name: readOptionalText(map, 'name'),
    status: readOptionalWord(map, 'status', SIGMA_STATUSES),
    level: readOptionalWord(map, 'level', SIGMA_LEVELS),
    description: readOptionalText(map, 'description'),
    author: readOptionalText(map, 'author'),
    license: readOptionalText(map, 'license'),
    date: readOptionalText(map, 'date'),
    modified: readOptionalText(map, 'modified'),
    references: readTextList(map, 'references'),
    falsepositives: readTextList(map, 'falsepositives'),
    fields: readTextList(map, 'fields'),
    tags: readTextList(map, 'tags'),
    related: readRelated(map),
    logsource: readLogsource(map),
    source,
    detection,
    weight: weigh({ ...document, comparisons: countComparisons(detection), regexProgram: scope.regexProgram }),
  };
}

/** Sigma documents that are no detection rules, and detection rules in a vocabulary that is not Sigma's. */
function refuseOtherKinds(map: MapNode): void {
  const kinds: readonly (readonly [string, string])[] = [
    ['correlation', 'Correlation rules are not supported; only single-event rules are.'],
    ['filter', 'Sigma filters are not supported; put the exclusion into the rule.'],
    ['action', 'Rule collections with "action" were removed in Sigma 2; write each rule out.'],
  ];
  for (const [key, message] of kinds) {
    const node = map.entries.get(key);
    if (node !== undefined) refuse(node, 'UNSUPPORTED', key, message);
  }
  const taxonomy = map.entries.get('taxonomy');
  if (taxonomy !== undefined && readScalarText(taxonomy, 'taxonomy') !== 'sigma')
    refuse(
      taxonomy,
      'UNSUPPORTED',
      'taxonomy',
      'Only the taxonomy "sigma" is supported; rename the fields and remove the key.',
    );
}

function readId(map: MapNode): string | null {
  const id = readOptionalText(map, 'id');
  if (id === null) return null;
  if (id.trim() === '' || id.length > 256)
    refuse(map.entries.get('id') ?? map, 'INVALID_FIELD', 'id', 'The id must have 1 to 256 characters; use a UUID.');
  return id;
}

function readRelated(map: MapNode): RelatedRule[] {
  const node = map.entries.get('related');
  if (node === undefined) return [];
  if (node.kind !== 'list') refuse(node, 'INVALID_FIELD', 'related', 'related must be a list of id and type.');
  return node.items.map((item) => {
    if (item.kind !== 'map') refuse(item, 'INVALID_FIELD', 'related', 'Each related rule needs an id and a type.');
    return { id: readRequiredText(item, 'id'), type: readRequiredText(item, 'type') };
  });
}

function readLogsource(map: MapNode): Logsource {
  const node = readRequiredMap(map, 'logsource');
  const read = (key: string) => readOptionalText(node, key)?.toLowerCase();
  const [product, category, service] = [read('product'), read('category'), read('service')];
  if (!product && !category && !service)
    refuse(node, 'MISSING_FIELD', 'logsource', 'logsource needs at least one of product, category and service.');
  return { ...(product ? { product } : {}), ...(category ? { category } : {}), ...(service ? { service } : {}) };
}

function readDetection(detection: MapNode, scope: RuleScope): DetectionNode {
  const timeframe = detection.entries.get('timeframe');
  if (timeframe !== undefined)
    refuse(timeframe, 'UNSUPPORTED', 'detection.timeframe', 'A timeframe belongs to a correlation rule since Sigma 2.');
  const condition = detection.entries.get('condition');
  if (condition === undefined)
    refuse(detection, 'MISSING_FIELD', 'detection.condition', 'The detection has no condition.');
  const selections = new Map<string, DetectionNode>();
  for (const [name, node] of detection.entries) {
    if (name === 'condition') continue;
    const path = `detection.${name}`;
    if (RESERVED_WORDS.has(name.toLowerCase()))
      refuse(node, 'INVALID_FIELD', path, `"${name}" is a word of the condition; give the selection another name.`);
    selections.set(name, readSelection(node, path, scope));
  }
  const node = readConditions(condition, selections);
  if (countComparisons(node) > LIMITS.comparisons)
    refuse(
      condition,
      'TOO_COMPLEX',
      'detection.condition',
      `The rule makes more than ${LIMITS.comparisons} comparisons; split it.`,
    );
  return node;
}

/** A list of conditions is an or over them. */
function readConditions(node: LocatedNode, selections: ReadonlyMap<string, DetectionNode>): DetectionNode {
  const path = 'detection.condition';
  const items = node.kind === 'list' ? node.items : [node];
  if (items.length === 0)
    refuse(node, 'INVALID_CONDITION', path, 'The condition is empty; name at least one selection.');
  return anyOf(items.map((item) => parseCondition(readScalarText(item, path), selections, item, path)));
}
