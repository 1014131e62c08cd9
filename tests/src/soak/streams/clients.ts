/** The clients of a run: one opens alerts by the product's own outbox, one listens for the ends of their investigations. */
import { alertsEvents } from '@aurorasoc/alerts/events';
import type { Database } from '@aurorasoc/kit/database';
import { EventRecorder, eventStream, readData } from '@aurorasoc/kit/events';
import { newId } from '@aurorasoc/kit/ids';
import { parseEntry, type RawEntry, type Redis } from '@aurorasoc/kit/streams';
import { inSpan } from '@aurorasoc/kit/telemetry';
import { z } from 'zod';
import { type History, now } from './history.js';

const recorder = new EventRecorder('alerts', 'soak', alertsEvents);

export function newIds(count: number): string[] {
  return Array.from({ length: count }, () => newId());
}

/** Opens alerts of one tenant in one transaction; resolves when it has committed. @returns the ids. */
export async function openAlerts(
  alerts: Database,
  history: History,
  tenant: string,
  ids: readonly string[],
): Promise<readonly string[]> {
  const at = new Date();
  const time = at.toISOString();
  // Within a span as in the product: an alert that tells its trace need not be asked for it.
  await inSpan('open alerts', {}, () =>
    alerts.inTenant(tenant, async (em) => {
      for (const subject of ids)
        await recorder.record(em, {
          type: 'alert.opened',
          subject,
          version: 1,
          tenant,
          actor: { kind: 'service', id: 'soak' },
          data: {
            ruleId: subject,
            title: 'Soak',
            severity: 'HIGH',
            status: 'NEW',
            assignee: null,
            count: 1,
            techniques: [],
            firstSeenAt: time,
            lastSeenAt: time,
          },
          occurredAt: at,
        });
    }),
  );
  history.record(ids.map((alert) => ({ kind: 'opened', alert, at: now() })));
  return ids;
}

/** What the listener reads of the event; a narrow schema of its own, as each consumer has. */
const endSchema = z.object({ alertId: z.uuid(), status: z.string() });

/** Writes down each end of an investigation that is on the stream, in its order, across restarts and wipes of Redis. */
export class OutcomeListener {
  readonly ended = new Set<string>();
  #isStopped = false;
  #running: Promise<void> | undefined;
  #after = '0-0';

  constructor(
    private readonly reader: Redis,
    private readonly history: History,
  ) {}

  start(): void {
    this.#running = this.#listen();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #listen(): Promise<void> {
    const stream = eventStream('agents');
    while (!this.#isStopped) {
      try {
        const reply = (await this.reader.xread('COUNT', 500, 'BLOCK', 200, 'STREAMS', stream, this.#after)) as
          | [string, RawEntry[]][]
          | null;
        for (const raw of reply?.[0]?.[1] ?? []) this.#hear(stream, raw);
      } catch {
        // Redis is away: ask again from where it was left, as every reader of the stream has to.
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  #hear(stream: string, raw: RawEntry): void {
    const { fields, messageId } = parseEntry(stream, raw);
    this.#after = raw[0];
    const type = fields.get('type') ?? '';
    if (type !== 'investigation.completed') return;
    const { alertId, status } = readData({ id: messageId, type, body: fields.get('body') ?? '' }, endSchema);
    this.ended.add(alertId);
    this.history.record({ kind: 'outcome', alert: alertId, status, position: Number.parseInt(raw[0], 10), at: now() });
  }
}
