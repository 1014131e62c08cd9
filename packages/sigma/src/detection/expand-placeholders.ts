import { LIMITS } from '../rule/limits.js';
import { refuse, type SourcePosition } from '../rule/rule-error.js';

/** Values of the `%name%` placeholders, without the percent signs; wildcards in them count. */
export type Placeholders = ReadonlyMap<string, readonly string[]>;

/**
 * Every text that `text` stands for once its placeholders are replaced; `\%` is a plain percent sign.
 *
 * @throws Refusal UNRESOLVED_PLACEHOLDER for an unknown name: a rule that keeps `%Servers%` as text would never match,
 *   and as a negated filter always. TOO_COMPLEX when there are too many combinations.
 */
export function expandPlaceholders(
  text: string,
  placeholders: Placeholders,
  position: SourcePosition,
  path: string,
): string[] {
  let expanded = [''];
  for (const part of splitPlaceholders(text)) {
    const values = part.isPlaceholder ? placeholders.get(part.text) : [part.text];
    if (values === undefined || values.length === 0)
      refuse(
        position,
        'UNRESOLVED_PLACEHOLDER',
        path,
        `There are no values for the placeholder %${part.text}%; define it or disable the rule.`,
      );
    if (expanded.length * values.length > LIMITS.placeholderExpansion)
      refuse(
        position,
        'TOO_COMPLEX',
        path,
        `The placeholders expand to more than ${LIMITS.placeholderExpansion} values.`,
      );
    expanded = expanded.flatMap((head) => values.map((value) => head + value));
  }
  return expanded;
}

interface TextPart {
  readonly text: string;
  readonly isPlaceholder: boolean;
}

function splitPlaceholders(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let plain = '';
  let index = 0;
  while (index < text.length) {
    const closing = text.charAt(index) === '%' ? text.indexOf('%', index + 1) : -1;
    if (text.startsWith('\\%', index)) {
      plain += '%';
      index += 2;
    } else if (closing > index + 1) {
      parts.push({ text: plain, isPlaceholder: false }, { text: text.slice(index + 1, closing), isPlaceholder: true });
      plain = '';
      index = closing + 1;
    } else {
      plain += text.charAt(index);
      index++;
    }
  }
  parts.push({ text: plain, isPlaceholder: false });
  return parts;
}
