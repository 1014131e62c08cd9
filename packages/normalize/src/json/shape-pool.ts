import type { JsonText } from './json-value.js';
import { ObjectShape, ShapeCache, type ShapePrefix } from './object-shape.js';

/**
 * Shapes for objects that were put together rather than read. Equal key sequences share a shape, so that what plans
 * work out per shape is worked out once here, too.
 */
export class ShapePool {
  readonly #cache = new ShapeCache();

  /** @param keyTokens - canonical key tokens in order, without duplicates. */
  shapeOf(keyTokens: readonly JsonText[]): ObjectShape {
    this.#cache.forgetWhenFull();
    let prefix: ShapePrefix = this.#cache.root;
    for (const token of keyTokens) {
      const next = this.#cache.extend(prefix, token);
      if (typeof next === 'string') return new ObjectShape(keyTokens);
      prefix = next;
    }
    return prefix.shape;
  }
}
