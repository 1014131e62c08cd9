/**
 * Anchors of a rule: a set of literals of which at least one must stand in the event if the rule is to match. They let
 * the engine pass over rules without running them. An anchor may be too weak, never too strong.
 */
import type { DetectionNode, TextComparison } from '../detection/detection-node.js';
import { plainShapeOf } from '../pattern/compile-pattern.js';
import { foldPattern, type Pattern } from '../pattern/pattern.js';
import type { SlotOf } from './compile-detection.js';

export interface Anchor {
  readonly slot: number;
  readonly operation: 'equals' | 'startswith' | 'endswith' | 'contains';
  /** Case-folded, also for cased comparisons: text that holds a literal also holds it folded. Not '' but for equals. */
  readonly literal: string;
}

interface AnchorSet {
  readonly anchors: readonly Anchor[];
  /** Expected number of useless candidates, on no particular scale. */
  readonly cost: number;
}

/** The cheapest anchor set of the tree, or null when there is none and the rule has to be run on every event. */
export function findAnchors(node: DetectionNode, slotOf: SlotOf): readonly Anchor[] | null {
  return new AnchorFinder(slotOf).find(node)?.anchors ?? null;
}

class AnchorFinder {
  readonly #found = new Map<DetectionNode, AnchorSet | null>();

  constructor(private readonly slotOf: SlotOf) {}

  find(node: DetectionNode): AnchorSet | null {
    const known = this.#found.get(node);
    if (known !== undefined) return known;
    const anchors = this.#findNew(node);
    this.#found.set(node, anchors);
    return anchors;
  }

  #findNew(node: DetectionNode): AnchorSet | null {
    switch (node.type) {
      case 'and':
        return node.children.reduce<AnchorSet | null>((best, child) => {
          const candidate = this.find(child);
          return best === null || (candidate !== null && candidate.cost < best.cost) ? candidate : best;
        }, null);
      case 'or':
        return joinAlternatives(node.children.map((child) => this.find(child)));
      case 'text':
        return this.#findInText(node);
      default:
        // "not" is true of what is absent; the others compare no literal.
        return null;
    }
  }

  #findInText({ field, pattern }: TextComparison): AnchorSet | null {
    // A keyword may stand in any value; watching all of them costs more than running the few keyword rules.
    if (field === null) return null;
    const shape = plainShapeOf(foldPattern(pattern));
    const operation = shape?.operation ?? 'contains';
    const literal = shape?.text ?? longestLiteral(foldPattern(pattern));
    if (literal === '' && operation !== 'equals') return null;
    return { anchors: [{ slot: this.slotOf(field), operation, literal }], cost: costOf(operation, literal) };
  }
}

function joinAlternatives(sets: readonly (AnchorSet | null)[]): AnchorSet | null {
  const anchors: Anchor[] = [];
  let cost = 0;
  for (const set of sets) {
    if (set === null) return null;
    anchors.push(...set.anchors);
    cost += set.cost;
  }
  return { anchors, cost };
}

/** Longer literals are rarer, up to a point; whole values are rarer than parts. */
function costOf(operation: Anchor['operation'], literal: string): number {
  return (operation === 'equals' ? 0.5 : 1) * 2 ** (-Math.min(literal.length, 14) / 2);
}

function longestLiteral(pattern: Pattern): string {
  return pattern.reduce(
    (longest, token) => (token.type === 'literal' && token.text.length > longest.length ? token.text : longest),
    '',
  );
}
