/** Takes note of the domains' answers to the last request; the last one completes the erasure. */
import type { Database, EntityManager } from '@aurorasoc/kit/database';
import { envelopeOf } from '@aurorasoc/kit/domain';
import { ERASURE_REQUESTED, erasureEvents } from '@aurorasoc/kit/erasure';
import type { EventRecorder } from '@aurorasoc/kit/events';
import { readBody, readData } from '@aurorasoc/kit/events';
import { handleOnce, type StreamEntry } from '@aurorasoc/kit/streams';
import { LockMode } from '@mikro-orm/core';
import type { FederationEvents } from '../events.js';
import { TenantErasure } from './tenant-erasure.entity.js';

export const ERASURES_GROUP = 'federation-erasures';
const ACTOR = { kind: 'service', id: 'federation/erasures' } as const;
const ERASED = 'tenant.erased';

/** The stream handler. */
export function noteErased(
  database: Database,
  recorder: EventRecorder<FederationEvents>,
): (entries: readonly StreamEntry[]) => Promise<void> {
  return handleOnce(database, ERASURES_GROUP, async (em, fresh) => {
    for (const entry of fresh) if (entry.fields.get('type') === ERASED) await noteAnswer(em, recorder, entry);
  });
}

async function noteAnswer(
  em: EntityManager,
  recorder: EventRecorder<FederationEvents>,
  { messageId: id, stream, fields }: StreamEntry,
): Promise<void> {
  const event = { id, type: ERASED, body: fields.get('body') ?? '' };
  const { erasureId, requestId, tables, streamEntries, deadLetters } = readData(event, erasureEvents[ERASED]);
  const erasure = await em.findOne(TenantErasure, { id: erasureId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  // A domain that was restored answers an erasure that this database was restored to a time before.
  if (erasure === null) return;
  const requests = await listRequests(em, erasureId);
  // What was asked for again is not done because an earlier request is.
  if ((requestId ?? requests[0]) !== requests.at(-1)) return;
  const domain = domainOf(stream);
  const answer = { domain, erasedAt: readBody(event).time, tables, streamEntries, deadLetters };
  erasure.domains = erasure.domains.map((known) => (known.domain === domain ? answer : known));
  if (erasure.completedAt !== null || erasure.domains.some(({ erasedAt }) => erasedAt === null)) return;
  erasure.completedAt = new Date();
  erasure.version += 1;
  await recorder.record(em, {
    ...envelopeOf(erasure, ACTOR, erasure.completedAt),
    type: 'tenant.erasure_completed',
    data: { tenantId: erasure.erasedTenant, domains: erasure.domains.map((known) => known.domain) },
  });
}

/** Ids of the events that asked for it, in their order: the log itself says what was asked last. */
async function listRequests(em: EntityManager, erasureId: string): Promise<string[]> {
  const rows = (await em.execute('select id from federation.event where subject = ? and type = ? order by version', [
    erasureId,
    ERASURE_REQUESTED,
  ])) as { id: string }[];
  return rows.map(({ id }) => id);
}

/** Of `aurora:<domain>:erased`. */
function domainOf(stream: string): string {
  return stream.split(':')[1] ?? '';
}
