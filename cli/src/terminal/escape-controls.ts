/**
 * Text of events, made fit for a terminal. Whoever is attacked writes parts of the logs: escape sequences could rewrite the
 * screen or the clipboard, bidirectional marks could make a file name read backwards.
 */

/**
 * Control characters (C0, DEL, C1), line and paragraph separators, bidirectional and zero-width marks, the byte order
 * mark, interlinear and tag characters, variation selectors of supplementary planes and lone surrogates.
 */
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]|[\u{e0000}-\u{e0fff}]|\p{Cs}/gu;

const SHORT_FORMS: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** The text on one line, with everything that a terminal would obey written out, for example `\u{1b}[31m`. */
export function escapeControls(text: string): string {
  return text.replace(UNSAFE, (character) => SHORT_FORMS[character] ?? `\\u{${codeOf(character).toString(16)}}`);
}

/** As {@link escapeControls}, cut to `maxCharacters` with an ellipsis. */
export function fitLine(text: string, maxCharacters: number): string {
  const escaped = escapeControls(text);
  return escaped.length <= maxCharacters ? escaped : `${escaped.slice(0, maxCharacters - 1)}…`;
}

/** JSON on one line whose strings hold no unsafe character: each is written as a `\uXXXX` escape of JSON (RFC 8259, 7). */
export function formatJsonLine(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, (character) =>
    [...Array(character.length).keys()]
      .map((unit) => `\\u${character.charCodeAt(unit).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}
