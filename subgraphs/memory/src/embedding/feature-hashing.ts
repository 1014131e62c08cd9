/**
 * The built-in embedder: feature hashing (Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", 2009).
 *
 * Each word and each pair of neighbouring words is hashed to a dimension and a sign. Texts are alike as far as they share
 * words; it knows no synonyms. Nothing is learnt, fetched or kept, so equal texts have equal vectors everywhere.
 */
import type { Embedder } from './embedder.js';
import { tokensOf } from './tokens.js';

/** A power of two, which the mask of {@link addFeature} relies on. */
export const DIMENSIONS = 256;

/** Pairs tell of order, and are much rarer than words: at full weight they would drown them in longer texts. */
const PAIR_WEIGHT = 0.5;

export const featureHashing: Embedder = {
  name: 'feature-hashing-256',
  dimensions: DIMENSIONS,
  embed: async (texts) => texts.map(hashFeatures),
};

/** @returns a vector of length 1; zeros when the text has no word. */
export function hashFeatures(text: string): Float32Array {
  const vector = new Float32Array(DIMENSIONS);
  for (const [feature, count] of countFeatures(tokensOf(text))) {
    // A word that is said ten times says more than one that is said once, and not ten times as much.
    const weight = (1 + Math.log(count)) * (feature.includes(' ') ? PAIR_WEIGHT : 1);
    addFeature(vector, feature, weight);
  }
  return normalize(vector);
}

function countFeatures(tokens: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [index, token] of tokens.entries()) {
    const pair = index === 0 ? [] : [`${tokens[index - 1]} ${token}`];
    for (const feature of [token, ...pair]) counts.set(feature, (counts.get(feature) ?? 0) + 1);
  }
  return counts;
}

function addFeature(vector: Float32Array, feature: string, weight: number): void {
  const hash = hashText(feature);
  const dimension = hash & (DIMENSIONS - 1);
  vector[dimension] = (vector[dimension] ?? 0) + (hash >>> 31 === 0 ? weight : -weight);
}

/** FNV-1a over UTF-16 units, then MurmurHash3's finaliser, without which the low bits of like words are alike. 32 bits. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function normalize(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((value) => value / length);
}
