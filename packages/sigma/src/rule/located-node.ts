/**
 * A YAML document as plain values that know their line. The rest of the parser reads only these: aliases are
 * resolved, sizes checked and duplicate keys refused here, once.
 */
import { Composer, type Document, isAlias, isMap, isNode, isScalar, isSeq, LineCounter, type Node, Parser } from 'yaml';
import { countTokens } from './bound-yaml.js';
import { LIMITS } from './limits.js';
import { refuse, type SourcePosition } from './rule-error.js';

export type ScalarValue = string | number | bigint | boolean | null;

export interface ScalarNode extends SourcePosition {
  readonly kind: 'scalar';
  readonly value: ScalarValue;
}
export interface ListNode extends SourcePosition {
  readonly kind: 'list';
  readonly items: readonly LocatedNode[];
}
export interface MapNode extends SourcePosition {
  readonly kind: 'map';
  /** In the order of the text; keys are unique. */
  readonly entries: ReadonlyMap<string, LocatedNode>;
}
export type LocatedNode = ScalarNode | ListNode | MapNode;

export interface LocatedDocument {
  readonly root: LocatedNode;
  readonly characters: number;
  readonly yamlTokens: number;
  /** After aliases are expanded. */
  readonly yamlNodes: number;
}

/**
 * Reads one YAML document.
 *
 * @param firstLine - line of the whole text on which `text` starts, from 1; added to every position.
 * @returns `null` for a document without content (comments only).
 * @throws Refusal INVALID_YAML, DUPLICATE_KEY or TOO_COMPLEX.
 */
export function readYamlDocument(text: string, firstLine: number): LocatedDocument | null {
  const start: SourcePosition = { line: firstLine, column: 1 };
  if (text.length > LIMITS.documentLength)
    refuse(
      start,
      'TOO_COMPLEX',
      '',
      `The document is longer than ${LIMITS.documentLength} characters; split it into several rules.`,
    );
  const yamlTokens = countTokens(text);
  if (typeof yamlTokens === 'string') refuse(start, 'TOO_COMPLEX', '', yamlTokens);
  const lines = new LineCounter();
  const document = parseOrRefuse(text, lines, start);
  const locator = new Locator(lines, firstLine);
  const root = locator.locate(document.contents, 0, '');
  if (root.kind === 'scalar' && root.value === null) return null;
  return { root, characters: text.length, yamlTokens, yamlNodes: locator.nodes };
}

/** Ends the reading of a document: its first problem refuses it, and each further one would cost the reader an error. */
class YamlProblem extends Error {
  constructor(
    readonly offset: number,
    message: string,
  ) {
    super(message);
  }
}

/** What the YAML reader points at with a problem. */
type ProblemSource = number | readonly [number, number] | { readonly offset: number };

function offsetOf(source: ProblemSource): number {
  if (typeof source === 'number') return source;
  return 'offset' in source ? source.offset : source[0];
}

function parseOrRefuse(text: string, lines: LineCounter, start: SourcePosition): Document.Parsed {
  try {
    const composer = new Composer({
      // Event ids and masks may exceed 2^53; they are compared as text and must keep every digit.
      intAsBigInt: true,
      // The library compares every key with all others; the Locator does it with a Set.
      uniqueKeys: false,
      strict: true,
      logLevel: 'silent',
    });
    // The reader has no option to stop at a problem. Warnings are tags that YAML does not know: what follows would be
    // read as something that it is not.
    let first: YamlProblem | undefined;
    Object.assign(composer, {
      onError: (source: ProblemSource, _code: string, message: string) => {
        // What is thrown comes by here once more for each collection around the problem.
        first ??= new YamlProblem(offsetOf(source), message);
        throw first;
      },
    });
    // To the end: what is wrong behind the document is a problem of the text, and another document would be lost.
    const [document, second] = composer.compose(new Parser(lines.addNewLine).parse(text), true, text.length);
    if (!document) throw new Error('the YAML reader gave no document');
    if (second) throw new YamlProblem(second.range[0], 'a second document begins here');
    return document;
  } catch (error) {
    if (error instanceof YamlProblem) {
      const { line, col } = lines.linePos(error.offset);
      const position = { line: line + start.line - 1, column: col };
      refuse(position, 'INVALID_YAML', '', `Not valid YAML: ${error.message}.`, error);
    }
    // Nesting of thousands of brackets exhausts the stack of the YAML reader.
    if (error instanceof RangeError)
      refuse(start, 'TOO_COMPLEX', '', 'The YAML is nested too deeply to be read.', error);
    throw error;
  }
}

class Locator {
  #nodes = 0;
  /** Filled on the way: an anchor stands before its aliases. (The library would search the document for each.) */
  readonly #anchors = new Map<string, Node>();

  constructor(
    private readonly lines: LineCounter,
    private readonly firstLine: number,
  ) {}

  /** How many were located so far. */
  get nodes(): number {
    return this.#nodes;
  }

  locate(node: unknown, depth: number, path: string): LocatedNode {
    const position = this.#positionOf(node);
    if (++this.#nodes > LIMITS.yamlNodes)
      refuse(
        position,
        'TOO_COMPLEX',
        path,
        `The rule has more than ${LIMITS.yamlNodes} values; split it into several rules.`,
      );
    if (depth > LIMITS.yamlDepth)
      refuse(position, 'TOO_COMPLEX', path, `The rule is nested deeper than ${LIMITS.yamlDepth} levels.`);
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      if (target === undefined) refuse(position, 'INVALID_YAML', path, `The alias *${node.source} has no anchor.`);
      return this.locate(target, depth + 1, path);
    }
    if (isNode(node) && node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (isMap(node)) return { kind: 'map', ...position, entries: this.#entriesOf(node.items, depth, path) };
    if (isSeq(node))
      return { kind: 'list', ...position, items: node.items.map((item) => this.locate(item, depth + 1, path)) };
    if (isScalar(node)) return { kind: 'scalar', ...position, value: this.#scalarOf(node.value, position, path) };
    // A key without a value has no node at all.
    return { kind: 'scalar', ...position, value: null };
  }

  #entriesOf(
    pairs: readonly { readonly key: unknown; readonly value: unknown }[],
    depth: number,
    path: string,
  ): Map<string, LocatedNode> {
    const entries = new Map<string, LocatedNode>();
    for (const { key, value } of pairs) {
      const keyPosition = this.#positionOf(key);
      if (!isScalar(key)) refuse(keyPosition, 'INVALID_YAML', path, 'A key must be plain text.');
      const name = String(key.value);
      const childPath = path === '' ? name : `${path}.${name}`;
      if (entries.has(name))
        refuse(
          keyPosition,
          'DUPLICATE_KEY',
          childPath,
          `The key "${name}" occurs twice; the second would silently replace the first.`,
        );
      const child = this.locate(value, depth + 1, childPath);
      // An empty value has no position of its own; its key has.
      entries.set(name, value === null ? { ...child, ...keyPosition } : child);
    }
    return entries;
  }

  #scalarOf(value: unknown, position: SourcePosition, path: string): ScalarValue {
    if (typeof value === 'string') {
      // Half a surrogate pair cannot occur in UTF-8 events, and would break case folding of the other half.
      if (!value.isWellFormed()) refuse(position, 'INVALID_FIELD', path, 'The text contains half a surrogate pair.');
      return value;
    }
    if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean' || value === null)
      return value;
    refuse(position, 'INVALID_YAML', path, 'Only text, numbers, booleans and null are values in a rule.');
  }

  #positionOf(node: unknown): SourcePosition {
    const range = (node as { range?: readonly number[] | null } | null)?.range;
    if (!range) return { line: this.firstLine, column: 1 };
    const { line, col } = this.lines.linePos(range[0] ?? 0);
    return { line: line + this.firstLine - 1, column: col };
  }
}
