import { trim } from './text.js';

/** @returns the parts between separators, trimmed of ASCII white space, without the empty ones. */
export function split(text: string, separator: string): readonly string[] {
  return text
    .split(separator)
    .map((part) => trim(part))
    .filter((part) => part !== '');
}

/** @returns each item once, in the order of first appearance. */
export function distinct(items: readonly string[]): readonly string[] {
  return items.length < 2 ? items : [...new Set(items)];
}
