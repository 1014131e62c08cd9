/** Storage of batches: repeats change nothing and are acknowledged again, however late they come. */
import { alertsEvents } from '@aurorasoc/alerts/events';
import { storeBatches } from '@aurorasoc/alerts/storage';
import { removeOldReceipts } from '@aurorasoc/alerts/storage/remove-old-receipts';
import type { Database } from '@aurorasoc/kit/database';
import { EventRecorder } from '@aurorasoc/kit/events';
import { eventIdOf, newBatchId } from '@aurorasoc/kit/ids';
import type { StreamEntry } from '@aurorasoc/kit/streams';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createAlertsDatabase, type DomainDatabase } from '../support/domain-database.js';

const TENANT = '0198c0de-0000-7000-8000-00000000000a';

let base: DomainDatabase;
let login: Database;
let store: (entries: readonly StreamEntry[]) => Promise<void>;

beforeAll(async () => {
  base = await createAlertsDatabase('storage');
  login = await base.open('store');
  store = storeBatches(login, new EventRecorder('alerts', 'test', alertsEvents));
});

afterAll(() => base.close());

function entryOf(batchId: string, events: number): StreamEntry {
  const documents = Array.from({ length: events }, (_, line) =>
    JSON.stringify({
      '@timestamp': '2026-11-23T12:00:00.000Z',
      event: { id: eventIdOf(batchId, line), kind: 'event' },
    }),
  );
  const fields = new Map([
    ['id', batchId],
    ['tenant', TENANT],
    ['body', documents.join('\n')],
  ]);
  return {
    stream: 'aurora:ingest:events:0',
    key: 'aurora:ingest:events:0',
    entryId: '1-0',
    messageId: batchId,
    tenant: TENANT,
    fields,
  };
}

async function stored(batchId: string): Promise<{ events: number; acknowledgements: number[] }> {
  const events = await base.admin.query('select from alerts.ingested_event where id >= $1 and id <= $2', [
    batchId,
    eventIdOf(batchId, 65_535),
  ]);
  const acknowledgements = await base.admin.query<{ version: number }>(
    `select version from alerts.event where type = 'batch.stored' and subject = $1 order by version`,
    [batchId],
  );
  return { events: events.rowCount ?? 0, acknowledgements: acknowledgements.rows.map((row) => row.version) };
}

describe('storage', () => {
  it('stores a batch once, and acknowledges each delivery', async () => {
    const batch = newBatchId();
    await store([entryOf(batch, 3)]);
    expect(await stored(batch)).toEqual({ events: 3, acknowledgements: [1] });
    await store([entryOf(batch, 3)]);
    expect(await stored(batch)).toEqual({ events: 3, acknowledgements: [1, 2] });
  });

  it('parses each event once, whatever is done with it', async () => {
    const [batch, repeated] = [newBatchId(), newBatchId()];
    await store([entryOf(repeated, 2)]);
    const parse = vi.spyOn(JSON, 'parse');
    try {
      await store([entryOf(batch, 3), entryOf(repeated, 2)]);
      expect(parse.mock.calls.filter(([text]) => String(text).includes('"event":{"id":'))).toHaveLength(3 + 2);
    } finally {
      parse.mockRestore();
    }
  });

  it('knows a batch again after its inbox row was removed', async () => {
    const batch = newBatchId();
    await store([entryOf(batch, 2)]);
    await base.admin.query('truncate alerts.inbox');
    await store([entryOf(batch, 2)]);
    expect(await stored(batch)).toEqual({ events: 2, acknowledgements: [1, 2] });
  });

  it('removes receipts of batches that are too old to come again, of every tenant, and no others', async () => {
    const batchOf = (daysAgo: number): string => {
      const time = (Date.now() - daysAgo * 86_400_000).toString(16).padStart(12, '0');
      return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
    };
    const receipts = [405, 402, 400, 14, 0];
    for (const [index, daysAgo] of receipts.entries())
      await base.admin.query(
        `insert into alerts.ingest_batch values ($1, $2, 1, 1, 1, 0, now() - $3 * interval '1 day')`,
        [batchOf(daysAgo), `${TENANT.slice(0, -1)}${index}`, daysAgo],
      );
    expect(await removeOldReceipts(login)).toBe(2);
    const { rows } = await base.admin.query<{ id: string }>(
      'select id from alerts.ingest_batch where tenant <> $1 order by id',
      [TENANT],
    );
    expect(rows).toHaveLength(3);
    expect(await removeOldReceipts(login)).toBe(0);
    const tooOld = batchOf(402);
    await expect(store([entryOf(tooOld, 1)])).rejects.toThrow(/outside of what is kept/);
    await expect(login.execute('delete from alerts.ingest_batch')).rejects.toThrow(/permission denied/);
  });

  it('refuses a batch whose events have no ids of ours, and stores nothing of it', async () => {
    const batch = newBatchId();
    const bad = entryOf(batch, 1);
    (bad.fields as Map<string, string>).set('body', '{"event":{"id":"7d9f4c1e-0000-4000-8000-000000000001"}}');
    await expect(store([bad])).rejects.toMatchObject({ code: 'POISON_MESSAGE', field: 'event.id' });
    expect(await stored(batch)).toEqual({ events: 0, acknowledgements: [] });
  });
});
