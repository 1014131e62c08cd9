/**
 * The tenants of which storage has discarded a batch: they were erased, and nothing of theirs is kept ever again. Ingest asks
 * nobody; it learns it from the first batch, in this process alone.
 */
import { AuroraError } from '@aurorasoc/kit/errors';

/** One that is forgotten is learnt again from its next batch. */
const MAX_TENANTS = 10_000;

export class ErasedTenants {
  readonly #ids = new Set<string>();

  add(tenant: string): void {
    this.#ids.add(tenant);
    const [oldest] = this.#ids;
    if (this.#ids.size > MAX_TENANTS && oldest !== undefined) this.#ids.delete(oldest);
  }

  /** @throws AuroraError `TENANT_ERASED` for events that nobody would keep. */
  refuse(tenant: string): void {
    if (!this.#ids.has(tenant)) return;
    throw new AuroraError({
      code: 'TENANT_ERASED',
      field: 'Authorization',
      publicMessage: 'The tenant of this API key was erased; none of its events are kept any more',
    });
  }
}
