/**
 * How an erasure travels: the site's domain asks on one stream, every domain answers on one of its own. Both are events of
 * nobody's tenant, so that the record of an erasure outlives what it is about, whoever's it was.
 */
import { z } from 'zod';

/** Requests, in the order in which they were made. Each domain has a group on it. */
export const ERASURE_REQUESTS = 'aurora:federation:erasures';
export const ERASURE_REQUESTED = 'tenant.erasure_requested';
/**
 * Of a request, what domains use. Its subject is the erasure, which may be asked for again: the request itself is known by the
 * event's id.
 */
export const erasureRequestedSchema = z.object({ tenantId: z.guid() });

/** A domain's group on the requests. */
export function eraserGroup(domain: string): string {
  return `${domain}-eraser`;
}

/** The group that reads all answers. */
export const ERASURES_GROUP = 'federation-erasures';

/** The stream of a domain's answers. */
export function erasureAnswers(domain: string): string {
  return `aurora:${domain}:erased`;
}

/** What every domain can say. */
export const erasureEvents = {
  /** Subject: see {@link erasedSubject}. Nothing of the tenant is left in the domain; told once for each request, in their order. */
  'tenant.erased': z.object({
    erasureId: z.guid(),
    /** Id of the event that asked. Missing where that came before requests were told apart: then it is the oldest one's. */
    requestId: z.guid().optional(),
    tenantId: z.guid(),
    /** Rows that were taken away since the tenant was closed, by table; tables that had none are left out. */
    tables: z.record(z.string(), z.number().int().positive()),
    streamEntries: z.number().int(),
    deadLetters: z.number().int(),
  }),
} as const;
export type ErasureEvents = typeof erasureEvents;

/** Where the answers go, as {@link ERASURE_REQUESTS} says. */
export function erasureRoutes(domain: string): Readonly<Record<keyof ErasureEvents, string>> {
  return { 'tenant.erased': erasureAnswers(domain) };
}

/** The end of an erasure in one domain, apart from the erasure itself, whose versions are the site's to count. */
export function erasedSubject(erasureId: string): string {
  return `${erasureId}/erased`;
}
