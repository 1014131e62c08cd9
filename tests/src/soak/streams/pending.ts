/** What is left undone once everything should be done: asked of Redis and PostgreSQL themselves. */
import type { Redis } from '@aurorasoc/kit/streams';
import type { Client } from 'pg';
import { eventually } from '../../support/wait.js';

export interface Unfinished {
  readonly total: number;
  readonly facts: string;
}

export async function countUnfinished(redis: Redis, admin: Client): Promise<Unfinished> {
  const facts: string[] = [];
  let total = 0;
  const note = (count: number, what: string): void => {
    if (count === 0) return;
    total += count;
    facts.push(`${count} ${what}`);
  };
  for (const stream of await redis.keys('aurora:*')) {
    if ((await redis.type(stream)) !== 'stream') continue;
    if (stream.endsWith(':dead')) note(await redis.xlen(stream), `dead in ${stream}`);
    for (const group of (await redis.xinfo('GROUPS', stream)) as unknown[][]) {
      const name = String(group[group.indexOf('name') + 1]);
      const [pending] = (await redis.xpending(stream, name)) as [number];
      note(pending, `pending for ${name} in ${stream}`);
    }
  }
  for (const table of ['agents.task_queue', 'agents.postponed_queue', 'agents.event_pending', 'alerts.event_pending']) {
    const { rows } = await admin.query<{ count: string }>(`select count(*) from ${table}`);
    note(Number(rows[0]?.count), `rows in ${table}`);
  }
  return { total, facts: facts.join('; ') };
}

/** Waits until so many consumers of the group have asked for entries. */
export async function whenReading(redis: Redis, stream: string, group: string, consumers: number): Promise<void> {
  await eventually(
    // No such group: nobody has come that far.
    () => redis.xinfo('CONSUMERS', stream, group).catch(() => []),
    (found) => (found as unknown[]).length >= consumers,
    120_000,
  );
}
