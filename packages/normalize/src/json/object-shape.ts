import { detach } from './detach.js';
import { decodeString, type JsonText } from './json-value.js';

/** Longer objects are not worth a place in the cache: logs repeat small shapes, hostile input makes large ones. */
const MAX_CACHED_KEYS = 128;

/** Distinct shapes kept before the cache starts afresh; a busy Windows estate has a few hundred. */
const MAX_CACHED_SHAPES = 8192;

/**
 * The sequence of keys of an object. Events of one kind share it, so its sorted order, its duplicate check and the
 * lookups of mapping plans are worked out once per kind and not once per event.
 */
export class ObjectShape {
  #members: ReadonlyMap<string, number> | undefined;
  #sortedMembers: readonly number[] | undefined;
  #hasDottedKey: boolean | undefined;
  #keys: readonly string[] | undefined;

  /** @param keyTokens - canonical key tokens, quotes included, in input order, without duplicates. */
  constructor(readonly keyTokens: readonly JsonText[]) {}

  /** Decoded keys in input order. */
  get keys(): readonly string[] {
    this.#keys ??= this.keyTokens.map(decodeString);
    return this.#keys;
  }

  /** Member numbers in the order of their keys' UTF-16 code units (RFC 8785, 3.2.3). */
  get sortedMembers(): readonly number[] {
    if (this.#sortedMembers === undefined) {
      const { keys } = this;
      this.#sortedMembers = keys
        .map((_, member) => member)
        .sort((a, b) => ((keys[a] ?? '') < (keys[b] ?? '') ? -1 : 1));
    }
    return this.#sortedMembers;
  }

  get hasDottedKey(): boolean {
    this.#hasDottedKey ??= this.keys.some((key) => key.includes('.'));
    return this.#hasDottedKey;
  }

  /** A Map, so that keys like `constructor` and `__proto__` are keys like any other. */
  memberOf(key: string): number | undefined {
    this.#members ??= new Map(this.keys.map((name, member) => [name, member]));
    return this.#members.get(key);
  }
}

/** A key sequence on its way to becoming a shape: the path from the root of the cache's trie to here. */
export class ShapePrefix {
  readonly #next = new Map<JsonText, ShapePrefix>();
  #shape: ObjectShape | undefined;
  /** The key that followed last time; log lines repeat, so comparing with it first mostly saves the lookup. */
  likelyToken: JsonText = '';
  likelyNext: ShapePrefix = this;

  constructor(
    private readonly parent: ShapePrefix | undefined,
    readonly token: JsonText,
    readonly length: number,
  ) {}

  get shape(): ObjectShape {
    this.#shape ??= new ObjectShape(this.tokens());
    return this.#shape;
  }

  find(token: JsonText): ShapePrefix | undefined {
    return this.#next.get(token);
  }

  append(token: JsonText): ShapePrefix {
    const kept = detach(token);
    const next = new ShapePrefix(this, kept, this.length + 1);
    this.#next.set(kept, next);
    return next;
  }

  /** Key tokens from the first to this one. */
  tokens(): JsonText[] {
    const tokens: JsonText[] = new Array(this.length);
    for (let prefix: ShapePrefix = this; prefix.parent !== undefined; prefix = prefix.parent) {
      tokens[prefix.length - 1] = prefix.token;
    }
    return tokens;
  }

  includes(token: JsonText): boolean {
    for (let prefix: ShapePrefix = this; prefix.parent !== undefined; prefix = prefix.parent) {
      if (prefix.token === token) return true;
    }
    return false;
  }
}

/** Trie of key sequences, bounded so that hostile keys cost memory once and not forever. */
export class ShapeCache {
  root = new ShapePrefix(undefined, '', 0);
  #size = 0;

  /**
   * Follows `prefix` by one key.
   *
   * @returns `'duplicate'` if the key is in the prefix already, `'too-long'` if the sequence outgrows the cache.
   */
  extend(prefix: ShapePrefix, token: JsonText): ShapePrefix | 'duplicate' | 'too-long' {
    const known = prefix.find(token);
    if (known !== undefined) return known;
    if (prefix.includes(token)) return 'duplicate';
    if (prefix.length >= MAX_CACHED_KEYS) return 'too-long';
    this.#size++;
    return prefix.append(token);
  }

  /** To be called between documents only: a document in progress holds prefixes of the current trie. */
  forgetWhenFull(): void {
    if (this.#size < MAX_CACHED_SHAPES) return;
    this.root = new ShapePrefix(undefined, '', 0);
    this.#size = 0;
  }
}
