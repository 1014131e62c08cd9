/**
 * The meaning of a rule, written for reading: every rule against every event, nothing cached, nothing skipped. The
 * engine must always agree with it; the tests hold the two against each other. Wildcards are matched by a position
 * set of its own, so that a mistake in the engine's matcher shows.
 */
import type { Comparison, DetectionNode } from './detection/detection-node.js';
import type { EventDocument } from './event/event-document.js';
import { type FieldContent, readAllValues, readField } from './event/read-field.js';
import { isInNetwork } from './pattern/cidr.js';
import { foldCase } from './pattern/fold-case.js';
import { compareNumbers, readNumber } from './pattern/numbers.js';
import { DASHES, foldPattern, type Pattern, type PatternToken } from './pattern/pattern.js';
import { relateText } from './pattern/relate-text.js';
import { readTimePart } from './pattern/time-part.js';
import type { Logsource, SigmaRule } from './rule/rule.js';
import { coversLogsource, type Taxonomy } from './taxonomy/taxonomy.js';
import { windowsTaxonomy } from './taxonomy/windows-taxonomy.js';

/** The rules that match the event, by id. */
export function interpret(
  rules: readonly SigmaRule[],
  event: EventDocument,
  { taxonomy = windowsTaxonomy }: { readonly taxonomy?: Taxonomy } = {},
): readonly SigmaRule[] {
  const eventLogsource = taxonomy.classifyEvent(event);
  return rules
    .filter((rule) => coversLogsource(eventLogsource, rule.logsource))
    .filter((rule) => new Interpreter(event, rule.logsource, taxonomy).holds(rule.detection))
    .sort((left, right) => (left.id < right.id ? -1 : 1));
}

class Interpreter {
  constructor(
    private readonly event: EventDocument,
    private readonly logsource: Logsource,
    private readonly taxonomy: Taxonomy,
  ) {}

  holds(node: DetectionNode): boolean {
    switch (node.type) {
      case 'and':
        return node.children.every((child) => this.holds(child));
      case 'or':
        return node.children.some((child) => this.holds(child));
      case 'not':
        return !this.holds(node.child);
      default:
        return this.#compares(node);
    }
  }

  #compares(node: Comparison): boolean {
    const content = this.#read(node.field);
    switch (node.type) {
      case 'null':
        return content.isNull;
      case 'exists':
        return content.exists === node.expected;
      case 'regex':
        return node.regex.findsIn(content.texts);
      default:
        return content.texts.some((text) => this.#matchesText(node, text));
    }
  }

  #matchesText(node: Exclude<Comparison, { type: 'null' | 'exists' | 'regex' }>, text: string): boolean {
    switch (node.type) {
      case 'text':
        return node.cased
          ? matchesPattern(node.pattern, text)
          : matchesPattern(foldPattern(node.pattern), foldCase(text));
      case 'cidr':
        return isInNetwork(text, node.network);
      case 'number': {
        const value = readNumber(text);
        return value !== null && compareNumbers(value, node.operator, node.value);
      }
      case 'time': {
        const value = readTimePart(text, node.part);
        return value !== null && compareNumbers(value, node.operator, node.value);
      }
      case 'fieldref':
        return this.#read(node.other).texts.some((other) =>
          node.cased
            ? relateText(text, node.relation, other)
            : relateText(foldCase(text), node.relation, foldCase(other)),
        );
    }
  }

  #read(field: string | null): FieldContent {
    if (field === null) return readAllValues(this.event);
    return readField(this.event, this.taxonomy.fieldPaths(field, this.logsource));
  }
}

/** Follows every place the pattern may have reached in the text, token by token. */
function matchesPattern(pattern: Pattern, text: string): boolean {
  let places = new Set([0]);
  for (const token of pattern) places = new Set([...places].flatMap((place) => placesAfter(token, text, place)));
  return places.has(text.length);
}

function placesAfter(token: PatternToken, text: string, place: number): number[] {
  switch (token.type) {
    case 'literal':
      return text.startsWith(token.text, place) ? [place + token.text.length] : [];
    case 'run':
      return Array.from({ length: text.length - place + 1 }, (_, offset) => place + offset);
    case 'dash':
      return place < text.length && DASHES.includes(text.charAt(place)) ? [place + 1] : [];
    case 'character': {
      const code = text.codePointAt(place);
      if (code === undefined) return [];
      return [place + (code > 0xffff ? 2 : 1)];
    }
  }
}
