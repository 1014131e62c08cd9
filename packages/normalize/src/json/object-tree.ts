import { JsonObject, type JsonValue, quote } from './json-value.js';
import { ObjectShape } from './object-shape.js';

type Branch = Map<string, Branch | JsonValue>;

/** A JSON object built path by path. Paths are lists of keys, so a key may hold any character. */
export class ObjectTree {
  readonly #root: Branch = new Map();

  get isEmpty(): boolean {
    return this.#root.size === 0;
  }

  /** @returns false, and changes nothing, if the place or a place above it is taken by a value. */
  insert(path: readonly string[], value: JsonValue): boolean {
    let branch = this.#root;
    for (const [index, key] of path.entries()) {
      const known = branch.get(key);
      if (index === path.length - 1) {
        if (known === undefined) branch.set(key, value);
        return known === undefined;
      }
      if (known === undefined) {
        const next: Branch = new Map();
        branch.set(key, next);
        branch = next;
      } else if (known instanceof Map) {
        branch = known;
      } else {
        return false;
      }
    }
    return false;
  }

  toJsonObject(): JsonObject {
    return toJsonObject(this.#root);
  }
}

function toJsonObject(branch: Branch): JsonObject {
  const values = [...branch.values()].map((value) => (value instanceof Map ? toJsonObject(value) : value));
  return new JsonObject(new ObjectShape([...branch.keys()].map(quote)), values);
}
