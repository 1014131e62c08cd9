/**
 * The text as it is compared when case does not matter.
 *
 * `toLowerCase` alone depends on context: a sigma at the end of a word becomes ς instead of σ, so a pattern could miss
 * the same letters in the middle of a longer text. With that undone, folding works character by character: what occurs
 * in a text also occurs in the folded text, which the prefilter relies on. Two effects remain and are accepted: the
 * Kelvin sign folds to k, and İ folds to two characters.
 */
export function foldCase(text: string): string {
  const lower = text.toLowerCase();
  return lower.includes('ς') ? lower.replaceAll('ς', 'σ') : lower;
}
