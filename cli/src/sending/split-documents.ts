/**
 * Splits text into its top-level JSON documents, pretty-printed or not, with or without separators; a top-level array counts
 * as its elements. Works on brackets and strings only and never decodes: each document keeps its bytes.
 */
const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const LF = 0x0a;
const ARRAY_START = 0x5b;
const ARRAY_END = 0x5d;
const OBJECT_START = 0x7b;
const OBJECT_END = 0x7d;
const WHITE_SPACE = new Set([0x20, 0x09, LF, 0x0d]);

export interface SplitDocument {
  readonly bytes: Buffer;
  /** False for what stands between documents, and for one whose brackets do not match: it cannot stand in an array. */
  readonly isWhole: boolean;
}

/** In the order of the text; nothing but white space and separators is left out. */
export function splitDocuments(text: Buffer): SplitDocument[] {
  const documents: SplitDocument[] = [];
  for (let at = skipSeparators(text, 0); at < text.byteLength; at = skipSeparators(text, at)) {
    const array = text[at] === ARRAY_START ? splitArray(text, at) : undefined;
    const end = array?.end ?? endOfDocument(text, at);
    if (array !== undefined) documents.push(...array.elements.map((bytes) => ({ bytes, isWhole: true })));
    else
      documents.push({
        bytes: text.subarray(at, end),
        isWhole: isBracket(text[at]) && endOfBrackets(text, at) === end,
      });
    at = end;
  }
  return documents;
}

/**
 * Whether text that begins with `firstLine` is to be taken line by line: its first line is one whole document, or no JSON.
 */
export function isLineByLine(firstLine: Buffer): boolean {
  const start = skipSeparators(firstLine, 0);
  const first = firstLine[start];
  if (first === OBJECT_START) {
    const end = endOfBrackets(firstLine, start);
    return end !== undefined && skipSeparators(firstLine, end) >= firstLine.byteLength;
  }
  // Lines of many text formats begin with a bracket, too; a JSON array of events holds objects or arrays.
  const inner = first === ARRAY_START ? skipSeparators(firstLine, start + 1) : undefined;
  return inner === undefined || (inner < firstLine.byteLength && !isBracket(firstLine[inner]));
}

/** @returns undefined when the array does not end, or holds something that is no value. */
function splitArray(text: Buffer, start: number): { elements: Buffer[]; end: number } | undefined {
  const elements: Buffer[] = [];
  for (let at = skipSeparators(text, start + 1); at < text.byteLength; at = skipSeparators(text, at)) {
    if (text[at] === ARRAY_END) return { elements, end: at + 1 };
    const end = endOfElement(text, at);
    if (end === undefined) return undefined;
    elements.push(text.subarray(at, end));
    at = end;
  }
  return undefined;
}

function endOfElement(text: Buffer, start: number): number | undefined {
  if (isBracket(text[start])) return endOfBrackets(text, start);
  if (text[start] === QUOTE) return endOfString(text, start);
  let at = start;
  while (at < text.byteLength && text[at] !== COMMA && text[at] !== ARRAY_END && !WHITE_SPACE.has(text[at] ?? 0)) at++;
  return at > start ? at : undefined;
}

/** A damaged document reaches to the end of the text; what is no document, to the end of its line. */
function endOfDocument(text: Buffer, start: number): number {
  if (isBracket(text[start])) return endOfBrackets(text, start) ?? text.byteLength;
  const lineEnd = text.indexOf(LF, start);
  return lineEnd < 0 ? text.byteLength : lineEnd;
}

/** Behind the bracket that closes the one at `start`; undefined when none does. */
function endOfBrackets(text: Buffer, start: number): number | undefined {
  let depth = 0;
  for (let at = start; at < text.byteLength; at++) {
    const byte = text[at];
    if (byte === QUOTE) at = (endOfString(text, at) ?? text.byteLength) - 1;
    else if (isBracket(byte)) depth++;
    else if ((byte === ARRAY_END || byte === OBJECT_END) && --depth === 0) return at + 1;
  }
  return undefined;
}

function endOfString(text: Buffer, start: number): number | undefined {
  for (let at = start + 1; at < text.byteLength; at++) {
    if (text[at] === BACKSLASH) at++;
    else if (text[at] === QUOTE) return at + 1;
  }
  return undefined;
}

function isBracket(byte: number | undefined): boolean {
  return byte === ARRAY_START || byte === OBJECT_START;
}

function skipSeparators(text: Buffer, start: number): number {
  let at = start;
  while (at < text.byteLength && (text[at] === COMMA || WHITE_SPACE.has(text[at] ?? 0))) at++;
  return at;
}
