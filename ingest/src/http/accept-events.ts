/** `POST /v1/events`: who may, what came, and the promise behind the 2xx that all of it is on disk. */
import type { IncomingMessage } from 'node:http';
import { type ApiKeyVerifier, bearerToken, hasScope, nameScope } from '@aurorasoc/kit/auth';
import { AuroraError } from '@aurorasoc/kit/errors';
import { batchIdAt, type Clock, newBatchId } from '@aurorasoc/kit/ids';
import { currentTraceparent, inSpan, SpanKind } from '@aurorasoc/kit/telemetry';
import type { Batch, BatchHeader, LineBlock } from '../batch/batch.js';
import type { IngestMetrics } from '../metrics.js';
import type { Spool } from '../spool/spool.js';
import type { ByteBudget } from './byte-budget.js';
import type { ErasedTenants } from './erased-tenants.js';
import { digestOf, type IdempotencyWindow, idempotencyKey } from './idempotency.js';
import type { BodyLimits } from './read-body.js';
import { readEvents } from './read-events.js';

export interface AcceptDependencies {
  readonly keys: ApiKeyVerifier;
  readonly erased: ErasedTenants;
  readonly spool: Spool;
  readonly budget: ByteBudget;
  readonly idempotency: IdempotencyWindow;
  readonly limits: BodyLimits;
  readonly metrics: IngestMetrics;
  readonly clock: Clock;
  /** Hands durable batches on for publication. */
  readonly onDurable: (batches: readonly Batch[]) => void;
}

export interface Acceptance {
  /** Events that this request brought, whether now or in an earlier try. */
  readonly accepted: number;
  /** Ids of their batches, in the order of the lines. */
  readonly batches: readonly string[];
  /** An earlier request with the same idempotency key had stored everything. */
  readonly isReplay: boolean;
}

/**
 * Accepts one request.
 *
 * @param beforeBody - called when the body is about to be read: the caller is known and may write.
 * @returns when every batch is on disk.
 * @throws AuroraError `UNAUTHENTICATED`, `FORBIDDEN`, `TENANT_ERASED`, what `readEvents` and `Spool.append` throw, `IDEMPOTENCY_KEY_REUSED`.
 */
export async function acceptEvents(
  dependencies: AcceptDependencies,
  request: IncomingMessage,
  beforeBody: () => void,
): Promise<Acceptance> {
  const tenant = authorize(dependencies.keys, request);
  dependencies.erased.refuse(tenant);
  const key = idempotencyKey(request);
  const parent = request.headers.traceparent;
  // Only here, behind the check of the key, is the caller's trace one to continue.
  const options = {
    kind: SpanKind.SERVER,
    parent: typeof parent === 'string' ? parent : undefined,
    root: parent === undefined,
  };
  return inSpan('POST /v1/events', options, async (span) => {
    const share = dependencies.budget.open();
    const count = { lines: 0 };
    try {
      beforeBody();
      const blocks = await readEvents(request, dependencies.limits, share, count);
      span.setAttribute('aurora.ingest.events', count.lines);
      return await storeBlocks(dependencies, { tenant, key, lines: count.lines }, blocks);
    } catch (error) {
      dependencies.metrics.refused.inc({ reason: error instanceof AuroraError ? error.code : 'ABORTED' }, count.lines);
      throw error;
    } finally {
      share.release();
    }
  });
}

function authorize(keys: ApiKeyVerifier, request: IncomingMessage): string {
  const token = bearerToken(request.headers.authorization);
  if (token === undefined) {
    throw new AuroraError({
      code: 'UNAUTHENTICATED',
      field: 'Authorization',
      publicMessage: 'Send an API key as "Authorization: Bearer aurora_…"',
    });
  }
  const { principal } = keys.verify(token);
  if (hasScope(principal, 'events:write')) return principal.tenant;
  throw new AuroraError({
    code: 'FORBIDDEN',
    field: 'Authorization',
    publicMessage: `The API key lacks ${nameScope('events:write')}`,
  });
}

interface Origin {
  readonly tenant: string;
  readonly key: string | undefined;
  readonly lines: number;
}

async function storeBlocks(
  dependencies: AcceptDependencies,
  origin: Origin,
  blocks: readonly LineBlock[],
): Promise<Acceptance> {
  const { tenant, key, lines } = origin;
  if (key === undefined) {
    const received = dependencies.clock().toISOString();
    const batches = blocks.map((block) => nameBatch({ id: newBatchId(), tenant, received }, block));
    await storeBatches(dependencies, batches);
    return { accepted: lines, batches: batches.map(({ header }) => header.id), isReplay: false };
  }
  const digest = digestOf(blocks);
  const known = dependencies.idempotency.open(tenant, key, digest, blocks.length);
  // The same key twice at the same time: the second waits, then finds everything stored, or stores what the first could not.
  while (known.storing) await known.storing;
  const { first, received, total } = known;
  const ids = blocks.map((_, index) => batchIdAt(first, index));
  // Those that are missing after a restart may have been delivered before it: under the same ids and as the same bytes they
  // are then no more than repeats.
  const missing = blocks.flatMap((block, index) =>
    known.hasStored(index)
      ? []
      : [
          nameBatch(
            { id: ids[index] ?? first, tenant, received, request: { key, digest, first, index, total } },
            block,
          ),
        ],
  );
  if (missing.length > 0) {
    const storing = storeBatches(dependencies, missing);
    known.storing = storing.catch(() => undefined);
    try {
      await storing;
      known.markComplete();
    } finally {
      known.storing = undefined;
    }
  }
  return { accepted: lines, batches: ids, isReplay: missing.length === 0 };
}

function nameBatch(name: Omit<BatchHeader, 'lines' | 'traceparent'>, { lines, body }: LineBlock): Batch {
  return { header: { ...name, lines, traceparent: currentTraceparent() }, body };
}

async function storeBatches(
  { spool, metrics, onDurable }: AcceptDependencies,
  batches: readonly Batch[],
): Promise<void> {
  await spool.append(batches, (events) => metrics.accepted.inc(events));
  onDurable(batches);
}
