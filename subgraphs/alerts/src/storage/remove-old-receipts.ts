/** Receipts of batches that can come no more are removed, as rows of the inbox are. */
import type { Database } from '@aurorasoc/kit/database';
import type { DomainRuntime } from '@aurorasoc/kit/domain';
import { describeError } from '@aurorasoc/kit/errors';

const EVERY_MS = 3_600_000;

/**
 * At once and then every hour: a process that is started anew more often removes them as well.
 *
 * @param store - the database of the `store` login.
 */
export function keepReceiptsFew(store: Database, { log, stopper }: DomainRuntime): void {
  const remove = (): void => {
    removeOldReceipts(store).catch((error: unknown) =>
      log.warn({ error: describeError(error) }, 'Receipts of old batches could not be removed'),
    );
  };
  remove();
  stopper.add('removal of receipts', setInterval(remove, EVERY_MS), clearInterval);
}

/** @returns how many were removed; not all that are due, when there are very many. */
export async function removeOldReceipts(store: Database): Promise<number> {
  const [row] = await store.execute<{ gone: number }>('select alerts.remove_old_receipts() as gone');
  return row?.gone ?? 0;
}
