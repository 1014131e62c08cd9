/**
 * The check behind "verdicts cite evidence": code, outside of any reasoner, resolves every citation in the stored events. What
 * cannot be shown is not said.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Citation, Claim, Verdict } from '../a2a/contract.js';
import { toStorable } from '../a2a/storable.js';
import { resolvePointer } from './json-pointer.js';

/** As many as a verdict's schema takes. */
const MAX_NOTES = 50;

/** Documents by event id; events that do not exist, or that the requester may not see, are left out. */
export type FindDocuments = (eventIds: readonly string[]) => Promise<ReadonlyMap<string, unknown>>;

/**
 * The verdict with the claims that hold. A claim keeps its valid citations and falls without any; how many fell is said in
 * `couldNotCheck`. Without a single valid claim nothing is determined.
 */
export async function checkVerdict(
  verdict: Verdict,
  findDocuments: FindDocuments,
): Promise<{ verdict: Verdict; dropped: number }> {
  const cited = new Set([
    ...verdict.claims.flatMap((claim) => claim.citations.map((citation) => citation.eventId)),
    ...verdict.timeline.map((entry) => entry.eventId),
  ]);
  const documents = await findDocuments([...cited].sort());
  // Compared as they are stored: the verdict has come through toStorable.
  const storable = new Map([...documents].map(([id, document]) => [id, toStorable(document)]));
  const claims = verdict.claims
    .map((claim) => keepValid(claim, storable))
    .filter((claim) => claim.citations.length > 0);
  const dropped = verdict.claims.length - claims.length;
  const timeline = verdict.timeline.filter((entry) => documents.has(entry.eventId));
  const notes = [
    ...(claims.some((claim) => keepValid(claim, documents).citations.length < claim.citations.length)
      ? ['Cited values hold NUL or half of a surrogate pair, which cannot be stored: U+FFFD stands in their place.']
      : []),
    ...(dropped === 0
      ? []
      : [`${dropped} of ${verdict.claims.length} claims were dropped: the events that they cite do not show them.`]),
  ];
  const couldNotCheck = [...verdict.couldNotCheck, ...notes].slice(-MAX_NOTES);
  const checked: Verdict = { ...verdict, claims, timeline, couldNotCheck };
  return { verdict: claims.length === 0 ? withoutClaims(checked) : checked, dropped };
}

/** True when the event exists, the pointer leads somewhere, and the value there is the cited one. */
export function isValidCitation(citation: Citation, documents: ReadonlyMap<string, unknown>): boolean {
  const document = documents.get(citation.eventId);
  if (document === undefined) return false;
  const value = resolvePointer(document, citation.pointer);
  return value !== undefined && isDeepStrictEqual(value, citation.value);
}

function keepValid(claim: Claim, documents: ReadonlyMap<string, unknown>): Claim {
  return { ...claim, citations: claim.citations.filter((citation) => isValidCitation(citation, documents)) };
}

function withoutClaims(verdict: Verdict): Verdict {
  if (verdict.disposition === 'UNDETERMINED') return verdict;
  return {
    ...verdict,
    disposition: 'UNDETERMINED',
    confidence: 0,
    summary: 'No claim of the reasoner could be shown in the stored events, so nothing is determined.',
  };
}
