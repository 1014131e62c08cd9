/**
 * One search identifier as a logic tree: a map is an and over its fields, a list an or over maps and keywords.
 *
 * @see https://github.com/SigmaHQ/sigma-specification, "Search-Identifier"
 */
import type { LocatedNode, MapNode, ScalarNode } from '../rule/located-node.js';
import { refuse } from '../rule/rule-error.js';
import { allOf, anyOf, type DetectionNode } from './detection-node.js';
import { readModifiers } from './modifiers.js';
import { readValue, type ValueContext } from './read-value.js';
import type { RuleScope } from './rule-scope.js';

/** @throws Refusal with the place of the first thing that is wrong. */
export function readSelection(node: LocatedNode, path: string, scope: RuleScope): DetectionNode {
  switch (node.kind) {
    case 'map':
      return readFieldMap(node, path, scope);
    case 'scalar':
      return readKeyword(node, path, scope);
    case 'list':
      if (node.items.length === 0)
        refuse(node, 'INVALID_FIELD', path, 'The selection is empty; give it a field or remove it.');
      return anyOf(
        node.items.map((item) => {
          if (item.kind === 'list')
            refuse(item, 'INVALID_FIELD', path, 'A list inside a list has no meaning in Sigma.');
          return readSelection(item, path, scope);
        }),
      );
  }
}

function readKeyword(node: ScalarNode, path: string, scope: RuleScope): DetectionNode {
  if (node.value === null || node.value === '')
    refuse(node, 'INVALID_FIELD', path, 'The selection is empty; give it a field or a keyword.');
  return readValue(node, { field: null, modifiers: readModifiers([], node, path), scope, path });
}

function readFieldMap(node: MapNode, path: string, scope: RuleScope): DetectionNode {
  if (node.entries.size === 0)
    refuse(node, 'INVALID_FIELD', path, 'The selection is empty; give it a field or remove it.');
  return allOf([...node.entries].map(([key, value]) => readFieldValues(key, value, `${path}.${key}`, scope)));
}

function readFieldValues(key: string, node: LocatedNode, path: string, scope: RuleScope): DetectionNode {
  const [field = '', ...names] = key.split('|');
  const modifiers = readModifiers(names, node, path);
  const context: ValueContext = { field: field === '' ? null : field, modifiers, scope, path };
  if (field === '' && names.length === 0) refuse(node, 'INVALID_FIELD', path, 'The field has no name.');
  const values = listScalars(node, path).map((value) => readValue(value, context));
  const joined = modifiers.all ? allOf(values) : anyOf(values);
  return modifiers.negated ? { type: 'not', child: joined } : joined;
}

function listScalars(node: LocatedNode, path: string): ScalarNode[] {
  const items = node.kind === 'list' ? node.items : [node];
  if (items.length === 0)
    refuse(node, 'INVALID_FIELD', path, 'The list of values is empty; a field needs at least one.');
  return items.map((item) =>
    item.kind === 'scalar'
      ? item
      : refuse(item, 'INVALID_FIELD', path, 'A field takes a value or a list of values, not a nested structure.'),
  );
}
