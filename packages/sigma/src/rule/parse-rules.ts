/** Sigma rule files: one or many YAML documents, each accepted or refused on its own. */
import type { Placeholders } from '../detection/expand-placeholders.js';
import { type LocatedNode, readYamlDocument } from './located-node.js';
import { readRule } from './read-rule.js';
import type { SigmaRule } from './rule.js';
import { Refusal, refuse, SigmaRuleError } from './rule-error.js';

export interface ParseOptions {
  /** Values for the `expand` modifier. Without them, rules with placeholders are refused. */
  readonly placeholders?: Placeholders;
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
 * @param text - YAML, documents separated by `---`.
 * @param sourceName - kept with rules and errors, for example the file's path.
 */
export function parseRules(text: string, sourceName: string, options: ParseOptions = {}): ParsedRules {
  const rules: SigmaRule[] = [];
  const errors: SigmaRuleError[] = [];
  const lineOfId = new Map<string, number>();
  for (const [index, { text: part, line }] of splitDocuments(text).entries()) {
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

/**
 * Cuts at `---` lines before any YAML is read, so that a document that is no YAML at all cannot take its neighbours
 * with it. YAML forbids such a line inside every kind of scalar (1.2.2, "c-forbidden"), so the cut is exact.
 */
function splitDocuments(text: string): { text: string; line: number }[] {
  const documents: { text: string; line: number }[] = [];
  let current: string[] = [];
  let firstLine = 1;
  for (const [index, line] of text.split('\n').entries()) {
    if (/^---(?:\s|$)/.test(line)) {
      documents.push({ text: current.join('\n'), line: firstLine });
      current = [];
      firstLine = index + 1;
    }
    current.push(line);
  }
  documents.push({ text: current.join('\n'), line: firstLine });
  return documents.filter((document) => document.text.split('\n').some(hasContent));
}

/** Neither blank, nor a comment, nor a directive such as `%YAML 1.2`, which stands before its document's `---`. */
function hasContent(line: string): boolean {
  const text = line.trim();
  return text !== '' && !text.startsWith('#') && !line.startsWith('%');
}

function peekText(node: LocatedNode | null, key: string): string | undefined {
  const child = node?.kind === 'map' ? node.entries.get(key) : undefined;
  return child?.kind === 'scalar' && typeof child.value === 'string' ? child.value : undefined;
}
