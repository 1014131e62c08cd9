/** The answer to entries that came for an erased tenant, for writers who send again until they get one. */
import { z } from 'zod';
import type { Database, EntityManager } from '../database/database.js';
import type { Actor, NewEvent } from '../events/event.js';
import { isUuid, NO_TENANT, newId } from '../ids.js';
import type { StreamEntry } from '../streams/entry.js';

/** Data of the event. Its subject is an id of its own, since nothing is kept of the batch. */
export const discardedSchema = z.object({ batchId: z.guid() });

type Discarding = NewEvent<Record<string, typeof discardedSchema>, string>;

/** The recorder of a domain that has the event type `T`. */
interface DiscardRecorder<T extends string> {
  record(em: EntityManager, event: Discarding & { readonly type: T }): Promise<void>;
}

/**
 * A consumer's `discard`: records an event of nobody's tenant for each entry, as the erased one can have none.
 *
 * @param type - of the event; the domain routes it to where the writer reads its acknowledgements.
 */
export function tellDiscarded<T extends string>(
  database: Database,
  recorder: DiscardRecorder<T>,
  type: T,
  actor: Actor,
): (entries: readonly StreamEntry[]) => Promise<void> {
  return (entries) =>
    database.inTenant(NO_TENANT, async (em) => {
      // Other writers' entries have no id that anybody waits for.
      for (const { messageId: batchId } of entries.filter((entry) => isUuid(entry.messageId)))
        await recorder.record(em, {
          type,
          subject: newId(),
          version: 1,
          tenant: NO_TENANT,
          actor,
          data: { batchId },
          occurredAt: new Date(),
        });
    });
}
