/** Sigma rule files: one or many YAML documents, each accepted or refused on its own. */
import type { Placeholders } from '../detection/expand-placeholders.js';
import { LIMITS } from './limits.js';
import { type LocatedNode, readYamlDocument } from './located-node.js';
import { readRule } from './read-rule.js';
import type { SigmaRule } from './rule.js';
import { Refusal, refuse, SigmaRuleError, type SigmaRuleErrorDetails } from './rule-error.js';

export interface ParseOptions {
  /** Values for the `expand` modifier. Without them, rules with placeholders are refused. */
  readonly placeholders?: Placeholders;
  /**
   * Documents with content that a text may hold. One with more of them is refused as a whole, SEVERAL_RULES, and so is one that
   * is longer than as many documents may be, comments around them counted, TOO_COMPLEX. None is read then: what it costs does not
   * grow with their number, and who keeps the text keeps no more than that. @default any number
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
  const { documents, refusal } = takeDocuments(text, options.maxDocuments ?? Number.POSITIVE_INFINITY);
  if (refusal) return { rules, errors: [new SigmaRuleError(refusal, { sourceName })] };
  for (const [index, { text: part, line, directive }] of documents.entries()) {
    let node: LocatedNode | null = null;
    try {
      if (directive) refuseDirective(directive);
      const read = readYamlDocument(part, line);
      if (read === null) continue;
      // What stands around a text's only document is kept with the rule, too.
      const document = documents.length === 1 ? { ...read, characters: text.length } : read;
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
  /** The first line in front of it that begins with `%` and would have it read in another way than it is. */
  readonly directive?: Directive | undefined;
}

interface Directive {
  readonly line: number;
  readonly text: string;
}

function refuseDirective({ line, text }: Directive): never {
  const message = `The directive ${text} is not supported; remove it. Only %YAML 1.2 may stand there.`;
  refuse({ line, column: 1 }, 'INVALID_YAML', '', message);
}

/** @returns why not, where the text holds more than `limit` of them or is longer than as many may be. */
function takeDocuments(text: string, limit: number): { documents: DocumentText[]; refusal?: SigmaRuleErrorDetails } {
  const documents: DocumentText[] = [];
  const refuseAt = (line: number, code: SigmaRuleErrorDetails['code'], message: string) => ({
    documents: [],
    refusal: { code, line, column: 1, field: '', message },
  });
  const maxLength = limit * LIMITS.documentLength;
  // Of a text that is too long no more is looked at either.
  for (const document of splitDocuments(text.slice(0, maxLength))) {
    if (documents.length >= limit)
      return refuseAt(document.line, 'SEVERAL_RULES', `Another document begins here; the text may hold ${limit}.`);
    documents.push(document);
  }
  const message = `The text is longer than ${maxLength} characters, comments included; shorten it.`;
  return text.length > maxLength ? refuseAt(1, 'TOO_COMPLEX', message) : { documents };
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
  let directive: Directive | undefined;
  for (const { 0: marker, index } of text.matchAll(MARKERS)) {
    const end = marker === '---' ? index : endOfLine(text, index);
    const lines = text.slice(start, end).split('\n');
    // The line end in front of `---` is no part of the document: a problem at its end would be told of the next line.
    if (lines.some(hasContent)) {
      yield { text: text.slice(start, end).replace(/\n$/, ''), line, directive };
      directive = undefined;
    } else directive ??= findDirective(lines, line);
    line += lines.length - 1;
    start = end;
  }
  const last = text.slice(start);
  const lines = last.split('\n');
  directive ??= lines.some(hasContent) ? undefined : findDirective(lines, line);
  if (directive || lines.some(hasContent)) yield { text: last, line, directive };
}

/** Of lines without content. `%YAML 1.2` says what holds anyway. */
function findDirective(lines: readonly string[], firstLine: number): Directive | undefined {
  const index = lines.findIndex(
    (line) => line.startsWith('%') && !/^%YAML[ \t]+1\.2[ \t]*(?:[ \t]#.*)?\r?$/.test(line),
  );
  return index < 0 ? undefined : { line: firstLine + index, text: lines[index]?.trim().slice(0, 40) ?? '' };
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
