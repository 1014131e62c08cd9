/** Sigma rule files: one or many YAML documents, each accepted or refused on its own. */
import type { Placeholders } from '../detection/expand-placeholders.js';
import { type LocatedNode, readYamlDocument } from './located-node.js';
import { readRule } from './read-rule.js';
import type { SigmaRule } from './rule.js';
import { Refusal, refuse, SigmaRuleError } from './rule-error.js';

export interface ParseOptions {
  /** Values for the `expand` modifier. Without them, rules with placeholders are refused. */
  readonly placeholders?: Placeholders;
  /**
   * Documents with content that a text may hold. One with more of them is refused as a whole, SEVERAL_RULES, and none is read:
   * what it costs does not grow with their number. @default any number
   */
  readonly maxDocuments?: number;
}

export interface ParsedRules {
  /** In the order of the text. */
  readonly rules: readonly SigmaRule[];
  /** One for each refused document, in the order of the text. */
  readonly errors: readonly SigmaRuleError[];
}

/**
 * Reads every rule of a text. A broken or unsupported rule is refused whole and leaves the others untouched; nothing
 * is thrown for the sake of the text.
 *
 * @param text - YAML, documents separated by `---` or `...`.
 * @param sourceName - kept with rules and errors, for example the file's path.
 */
export function parseRules(text: string, sourceName: string, options: ParseOptions = {}): ParsedRules {
  const rules: SigmaRule[] = [];
  const errors: SigmaRuleError[] = [];
  const lineOfId = new Map<string, number>();
  const { documents, surplus } = takeDocuments(text, options.maxDocuments ?? Number.POSITIVE_INFINITY);
  if (surplus) {
    const message = `Another document begins here; the text may hold ${options.maxDocuments}.`;
    const place = { code: 'SEVERAL_RULES', line: surplus.line, column: 1, field: '', message } as const;
    return { rules, errors: [new SigmaRuleError(place, { sourceName })] };
  }
  for (const [index, { text: part, line }] of documents.entries()) {
    let node: LocatedNode | null = null;
    try {
      const document = readYamlDocument(part, line);
      if (document === null) continue;
      node = document.root;
      if (node.kind !== 'map')
        refuse(node, 'INVALID_YAML', '', 'A rule is a map of keys such as title, logsource and detection.');
      const source = { name: sourceName, line: node.line };
      const rule = readRule(node, document, source, `${sourceName}#${index + 1}`, options.placeholders ?? new Map());
      const earlier = lineOfId.get(rule.id);
      if (earlier !== undefined)
        refuse(node, 'DUPLICATE_ID', 'id', `The id ${rule.id} is already taken by the rule on line ${earlier}.`);
      lineOfId.set(rule.id, rule.source.line);
      rules.push(rule);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      errors.push(
        new SigmaRuleError(error.details, { ruleId: peekText(node, 'id'), title: peekText(node, 'title'), sourceName }),
      );
    }
  }
  return { rules, errors };
}

interface DocumentText {
  readonly text: string;
  readonly line: number;
}

/** @returns at most `limit` documents, and the first one beyond them. */
function takeDocuments(text: string, limit: number): { documents: DocumentText[]; surplus?: DocumentText } {
  const documents: DocumentText[] = [];
  for (const document of splitDocuments(text)) {
    if (documents.length >= limit) return { documents, surplus: document };
    documents.push(document);
  }
  return { documents };
}

/** `---` begins a document, `...` ends one. */
const MARKERS = /(?<![^\n])(?:---|\.\.\.)(?=\s|$)/g;

/**
 * Cuts in front of `---` lines and behind `...` lines before any YAML is read, so that a document that is no YAML at all cannot
 * take its neighbours with it. YAML forbids such lines inside every kind of scalar (1.2.2, "c-forbidden"), so the cut is exact.
 */
function* splitDocuments(text: string): Generator<DocumentText> {
  let start = 0;
  let line = 1;
  for (const { 0: marker, index } of text.matchAll(MARKERS)) {
    const end = marker === '---' ? index : endOfLine(text, index);
    const lines = text.slice(start, end).split('\n');
    // The line end in front of `---` is no part of the document: a problem at its end would be told of the next line.
    if (lines.some(hasContent)) yield { text: text.slice(start, end).replace(/\n$/, ''), line };
    line += lines.length - 1;
    start = end;
  }
  const last = text.slice(start);
  if (last.split('\n').some(hasContent)) yield { text: last, line };
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

/** Neither blank, nor a marker, a comment, or a directive such as `%YAML 1.2`, which stands before its document's `---`. */
function hasContent(line: string): boolean {
  const text = line.replace(/^(?:---|\.\.\.)(?=\s|$)/, '').trim();
  return text !== '' && !text.startsWith('#') && !line.startsWith('%');
}

function peekText(node: LocatedNode | null, key: string): string | undefined {
  const child = node?.kind === 'map' ? node.entries.get(key) : undefined;
  return child?.kind === 'scalar' && typeof child.value === 'string' ? child.value : undefined;
}
