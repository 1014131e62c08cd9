/** Takes note of the domains' answers to the last request; the last one completes the erasure. */
import type { Database, EntityManager } from '@aurorasoc/kit/database';
import { envelopeOf } from '@aurorasoc/kit/domain';
import { ERASURE_REQUESTED, ERASURES_GROUP, erasureEvents } from '@aurorasoc/kit/erasure';
import type { EventRecorder } from '@aurorasoc/kit/events';
import { readBody, readData } from '@aurorasoc/kit/events';
import type { Logger } from '@aurorasoc/kit/log';
import { handleOnce, type StreamEntry } from '@aurorasoc/kit/streams';
import { LockMode } from '@mikro-orm/core';
import type { FederationEvents } from '../events.js';
import { TenantErasure } from './tenant-erasure.entity.js';

const ACTOR = { kind: 'service', id: 'federation/erasures' } as const;
const ERASED = 'tenant.erased';

/** The stream handler. An answer that counts for nothing is logged: an erasure that never ends can be told by it. */
export function noteErased(
  database: Database,
  recorder: EventRecorder<FederationEvents>,
  log: Logger,
): (entries: readonly StreamEntry[]) => Promise<void> {
  return handleOnce(database, ERASURES_GROUP, async (em, fresh) => {
    for (const entry of fresh) if (entry.fields.get('type') === ERASED) await noteAnswer(em, recorder, log, entry);
  });
}

async function noteAnswer(
  em: EntityManager,
  recorder: EventRecorder<FederationEvents>,
  log: Logger,
  { messageId: id, stream, fields }: StreamEntry,
): Promise<void> {
  const event = { id, type: ERASED, body: fields.get('body') ?? '' };
  const data = readData(event, erasureEvents[ERASED]);
  const { erasureId, requestId, tables, streamEntries, deadLetters } = data;
  const domain = domainOf(stream);
  const answered = { domain, tenant: data.tenantId, erasureId, requestId, answerId: id };
  const erasure = await em.findOne(TenantErasure, { id: erasureId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  // A domain that was restored answers an erasure that this database was restored to a time before.
  if (erasure === null) {
    log.warn(answered, 'A domain answers an erasure that is not known here; ask for it again');
    return;
  }
  const requests = await listRequests(em, erasureId);
  const awaitedId = requests.at(-1);
  // What was asked for again is not done because an earlier request is.
  if ((requestId ?? requests[0]) !== awaitedId) {
    log.warn(
      { ...answered, awaitedId },
      'A domain answers an earlier request of an erasure; the last one is waited for',
    );
    return;
  }
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
