/**
 * A strict JSON reader (RFC 8259) in one pass over the text. It refuses what two readers might understand differently:
 * duplicate keys, lone surrogates, nesting beyond `MAX_DEPTH`. Numbers come out exact and strings canonical.
 */
import { formatFloat, formatInteger } from './format-number.js';
import { JsonArray, JsonObject, type JsonText, type JsonValue, quote } from './json-value.js';
import { ObjectShape, ShapeCache, type ShapePrefix } from './object-shape.js';
import { UnreadableJson } from './unreadable-json.js';

/** Objects and arrays may be nested this deep; the outermost is level 1. */
export const MAX_DEPTH = 32;

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const HEX4 = /^[0-9a-fA-F]{4}$/;

export class JsonParser {
  readonly #shapes = new ShapeCache();
  #text = '';
  #position = 0;
  #depth = 0;

  /**
   * Reads one document that fills `text` but for white space and one leading byte order mark.
   *
   * @throws UnreadableJson with the reason and the offset.
   */
  parse(text: string): JsonValue {
    this.#shapes.forgetWhenFull();
    this.#text = text;
    this.#position = text.charCodeAt(0) === 0xfeff ? 1 : 0;
    this.#depth = 0;
    this.#skipSpace();
    const value = this.#parseValue();
    this.#skipSpace();
    if (this.#position < text.length) this.#fail('Unexpected text after the document');
    return value;
  }

  #parseValue(): JsonValue {
    const code = this.#text.charCodeAt(this.#position);
    switch (code) {
      case QUOTE:
        return this.#parseString();
      case OPEN_BRACE:
        return this.#parseObject();
      case OPEN_BRACKET:
        return this.#parseArray();
      case 0x74:
        return this.#parseWord('true');
      case 0x66:
        return this.#parseWord('false');
      case 0x6e:
        return this.#parseWord('null');
      default:
        if (code === MINUS || isDigit(code)) return this.#parseNumber();
        return this.#fail('Expected a value');
    }
  }

  #parseObject(): JsonObject {
    this.#enter();
    let prefix: ShapePrefix = this.#shapes.root;
    const values: JsonValue[] = [];
    if (this.#text.charCodeAt(this.#position) === CLOSE_BRACE) {
      this.#leave();
      return new JsonObject(prefix.shape, values);
    }
    for (;;) {
      const next = this.#parseKey(prefix);
      if (next === undefined) return this.#parseLongObject(prefix, values);
      prefix = next;
      values.push(this.#parseMemberValue());
      if (this.#endOfMembers(CLOSE_BRACE)) return new JsonObject(prefix.shape, values);
    }
  }

  /** Reads a key and its place in the shape trie; nothing (and nothing read) if the object outgrows the trie. */
  #parseKey(prefix: ShapePrefix): ShapePrefix | undefined {
    const start = this.#position;
    const likely = prefix.likelyToken;
    if (likely !== '' && this.#text.startsWith(likely, start)) {
      this.#position = start + likely.length;
      return prefix.likelyNext;
    }
    const token = this.#parseKeyToken();
    const next = this.#shapes.extend(prefix, token);
    if (next === 'duplicate') return this.#failDuplicate(start);
    if (next === 'too-long') {
      this.#position = start;
      return undefined;
    }
    prefix.likelyToken = next.token;
    prefix.likelyNext = next;
    return next;
  }

  /** Reads on in an object with too many keys for the shape trie; its shape is used once. */
  #parseLongObject(prefix: ShapePrefix, values: JsonValue[]): JsonObject {
    const tokens = prefix.tokens();
    const seen = new Set(tokens);
    for (;;) {
      const start = this.#position;
      const token = this.#parseKeyToken();
      if (seen.has(token)) return this.#failDuplicate(start);
      seen.add(token);
      tokens.push(token);
      values.push(this.#parseMemberValue());
      if (this.#endOfMembers(CLOSE_BRACE)) return new JsonObject(new ObjectShape(tokens), values);
    }
  }

  #parseKeyToken(): JsonText {
    if (this.#text.charCodeAt(this.#position) !== QUOTE) return this.#fail('Expected a key in quotes');
    return this.#parseString();
  }

  #parseMemberValue(): JsonValue {
    this.#skipSpace();
    if (this.#text.charCodeAt(this.#position) !== COLON) return this.#fail('Expected ":" after the key');
    this.#position++;
    this.#skipSpace();
    return this.#parseValue();
  }

  #parseArray(): JsonArray {
    this.#enter();
    const items: JsonValue[] = [];
    if (this.#text.charCodeAt(this.#position) === CLOSE_BRACKET) {
      this.#leave();
      return new JsonArray(items);
    }
    for (;;) {
      items.push(this.#parseValue());
      if (this.#endOfMembers(CLOSE_BRACKET)) return new JsonArray(items);
    }
  }

  #enter(): void {
    if (++this.#depth > MAX_DEPTH) this.#fail(`Nested deeper than ${MAX_DEPTH} levels`, 'TOO_DEEP');
    this.#position++;
    this.#skipSpace();
  }

  #leave(): void {
    this.#depth--;
    this.#position++;
  }

  /** Reads "," (and stands before the next member) or the closing bracket. */
  #endOfMembers(closing: number): boolean {
    this.#skipSpace();
    const code = this.#text.charCodeAt(this.#position);
    if (code === COMMA) {
      this.#position++;
      this.#skipSpace();
      return false;
    }
    if (code !== closing) return this.#fail(`Expected "," or "${String.fromCharCode(closing)}"`);
    this.#leave();
    return true;
  }

  /** A string whose escapes are canonical already is returned as a slice of the input. */
  #parseString(): JsonText {
    const text = this.#text;
    const start = this.#position;
    let position = start + 1;
    let isCanonical = true;
    for (;;) {
      const code = text.charCodeAt(position);
      if (code === QUOTE) break;
      if (code === BACKSLASH) {
        const escaped = text.charCodeAt(position + 1);
        if (!isCanonicalEscape(escaped)) {
          isCanonical = false;
          if (escaped === 0x75) position = this.#checkUnicodeEscape(position) - 2;
          else if (escaped !== 0x2f) this.#failAt(position, 'Invalid escape');
        }
        position += 2;
      } else if (code >= 0x20) {
        position++;
      } else {
        // Also the end of the text, whose code is NaN.
        this.#failAt(position, position < text.length ? 'Control character in a string' : 'String without an end');
      }
    }
    this.#position = position + 1;
    const token = text.slice(start, position + 1);
    return isCanonical ? token : quote(JSON.parse(token) as string);
  }

  /** @returns the position after the escape, both halves if it is a surrogate pair. */
  #checkUnicodeEscape(position: number): number {
    const unit = this.#unicodeEscapeAt(position);
    if (unit < 0xd800 || unit > 0xdfff) return position + 6;
    const isHigh = unit <= 0xdbff;
    const isPaired = isHigh && this.#text.startsWith('\\u', position + 6) && isLow(this.#unicodeEscapeAt(position + 6));
    if (!isPaired) this.#failAt(position, 'Half of a surrogate pair', 'LONE_SURROGATE');
    return position + 12;
  }

  #unicodeEscapeAt(position: number): number {
    const digits = this.#text.slice(position + 2, position + 6);
    if (!HEX4.test(digits)) this.#failAt(position, 'Invalid escape');
    return Number.parseInt(digits, 16);
  }

  #parseNumber(): JsonText {
    const text = this.#text;
    const start = this.#position;
    let position = text.charCodeAt(start) === MINUS ? start + 1 : start;
    position = text.charCodeAt(position) === ZERO ? position + 1 : this.#skipDigits(position);
    let isInteger = true;
    if (text.charCodeAt(position) === DOT) {
      isInteger = false;
      position = this.#skipDigits(position + 1);
    }
    if ((text.charCodeAt(position) | 0x20) === 0x65) {
      isInteger = false;
      const sign = text.charCodeAt(position + 1);
      position = this.#skipDigits(sign === MINUS || sign === 0x2b ? position + 2 : position + 1);
    }
    this.#position = position;
    const literal = text.slice(start, position);
    return isInteger ? formatInteger(literal) : formatFloat(literal);
  }

  /** Skips one digit or more. */
  #skipDigits(start: number): number {
    let position = start;
    while (isDigit(this.#text.charCodeAt(position))) position++;
    if (position === start) this.#failAt(position, 'Expected a digit');
    return position;
  }

  #parseWord(word: JsonText): JsonText {
    if (!this.#text.startsWith(word, this.#position)) return this.#fail('Expected a value');
    this.#position += word.length;
    return word;
  }

  #skipSpace(): void {
    const text = this.#text;
    let position = this.#position;
    for (;;) {
      const code = text.charCodeAt(position);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) break;
      position++;
    }
    this.#position = position;
  }

  #failDuplicate(position: number): never {
    return this.#failAt(position, 'Key given twice in one object', 'DUPLICATE_KEY');
  }

  #fail(problem: string, code: 'INVALID_JSON' | 'TOO_DEEP' = 'INVALID_JSON'): never {
    throw new UnreadableJson(code, this.#position, problem);
  }

  #failAt(
    position: number,
    problem: string,
    code: 'INVALID_JSON' | 'DUPLICATE_KEY' | 'LONE_SURROGATE' = 'INVALID_JSON',
  ): never {
    throw new UnreadableJson(code, position, problem);
  }
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** `\"`, `\\`, `\b`, `\f`, `\n`, `\r`, `\t`: the two-character escapes that RFC 8785 writes itself. */
function isCanonicalEscape(code: number): boolean {
  switch (code) {
    case QUOTE:
    case BACKSLASH:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return true;
    default:
      return false;
  }
}
