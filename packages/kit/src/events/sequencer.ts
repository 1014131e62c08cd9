/**
 * Gives every committed event of a domain its dense position. One process at a time does so, under an advisory lock; the
 * others wait to take over.
 */
import type { Client } from 'pg';
import { describeError } from '../errors.js';
import type { Health } from '../health.js';
import { sleep } from '../lifecycle.js';
import type { Logger } from '../log.js';
import { Alarm } from './alarm.js';
import { keepConnected } from './keep-connected.js';
import { eventChannel } from './record-event.js';

export interface SequencerOptions {
  readonly domain: string;
  /** Login of the relay role. */
  readonly databaseUrl: string;
  readonly log: Logger;
  readonly health: Health;
  /** Called after positions up to and including `last` exist; also once at take-over. */
  readonly onPositions: (last: number) => void;
  /** Called when this process becomes, or ceases to be, the one that sequences. */
  readonly onLeadership: (isLeader: boolean) => void;
}

const BATCH = 2_000;
/** NOTIFY wakes the sequencer; this only bounds what a lost notification can cost. */
const IDLE_CHECK_MS = 1_000;
const STANDBY_CHECK_MS = 1_000;

export class Sequencer {
  readonly #abort = new AbortController();
  #running: Promise<void> | undefined;
  readonly #alarm = new Alarm();

  constructor(private readonly options: SequencerOptions) {}

  start(): void {
    this.#running = this.#runForEver();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#alarm.ring();
    await this.#running;
  }

  async #runForEver(): Promise<void> {
    const { domain, databaseUrl, log, health, onLeadership } = this.options;
    await keepConnected(
      {
        databaseUrl,
        applicationName: `aurora ${domain} sequencer`,
        signal: this.#abort.signal,
        onBroken: () => this.#alarm.ring(),
        onLost: (error) => {
          onLeadership(false);
          health.set('sequencer', 'down', describeError(error));
          log.warn({ error: describeError(error) }, 'Sequencer lost the database');
        },
      },
      async (client, succeeded) => {
        succeeded();
        if (await this.#lead(client)) onLeadership(false);
      },
    );
  }

  /** Waits for the lock, then sequences until stopped. @returns whether this process led. */
  async #lead(client: Client): Promise<boolean> {
    const { domain, health, onLeadership } = this.options;
    const signal = this.#abort.signal;
    while (!(await tryLock(client, domain))) {
      health.set('sequencer', 'up', 'standing by');
      await sleep(STANDBY_CHECK_MS, signal);
      if (signal.aborted) return false;
    }
    health.set('sequencer', 'up');
    client.on('notification', () => this.#alarm.ring());
    await client.query(`listen ${eventChannel(domain)}`);
    onLeadership(true);
    let last = await lastPosition(client, domain);
    this.options.onPositions(last);
    while (!signal.aborted) {
      const moved = await movePending(client, domain, last);
      if (moved > 0) {
        last += moved;
        this.options.onPositions(last);
      }
      // What was notified meanwhile ends the wait at once.
      if (moved < BATCH) await this.#alarm.wait(IDLE_CHECK_MS);
    }
    return true;
  }
}

async function tryLock(client: Client, domain: string): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock(hashtext($1)) as locked', [
    `aurora sequencer ${domain}`,
  ]);
  return rows[0]?.locked === true;
}

export async function lastPosition(client: Pick<Client, 'query'>, domain: string): Promise<number> {
  const { rows } = await client.query<{ last: string }>(
    `select coalesce(max(position), 0) as last from ${domain}.event_position`,
  );
  return Number(rows[0]?.last ?? 0);
}

/**
 * Moves the visible pending rows, in `seq` order, to the positions after `last`. Without a join: a transaction that stays open keeps
 * the rows of hours in the table, of which its statistics say that it is empty, and a join would walk over them for each row.
 *
 * @returns how many.
 */
async function movePending(client: Client, domain: string, last: number): Promise<number> {
  const { rowCount } = await client.query(
    `with taken as (
       delete from ${domain}.event_pending
       where seq <= (select max(seq) from (select seq from ${domain}.event_pending order by seq limit ${BATCH}) as oldest)
       returning seq, tenant)
     insert into ${domain}.event_position (position, seq, tenant)
     select $1 + row_number() over (order by seq), seq, tenant from taken`,
    [last],
  );
  return rowCount ?? 0;
}
