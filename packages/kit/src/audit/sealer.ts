/**
 * Hashes a domain's sequenced events into the Merkle log of their tenant, in order of position. Only the process that
 * sequences does so; what a crash leaves unsealed, the next leader seals.
 */
import type { Client } from 'pg';
import { Gauge } from 'prom-client';
import { describeError } from '../errors.js';
import { Alarm } from '../events/alarm.js';
import { keepConnected } from '../events/keep-connected.js';
import type { Health } from '../health.js';
import type { Logger } from '../log.js';
import { HASH_BYTES, leafHash, MerkleTree } from './merkle.js';

export interface SealerOptions {
  readonly domain: string;
  /** Login of the relay role. */
  readonly databaseUrl: string;
  readonly log: Logger;
  readonly health: Health;
}

/** Events of one transaction: one tree head per tenant in it. */
const BATCH = 1_000;
/** A head is made at most this often while fewer events than a batch wait. */
const GATHER_MS = 1_000;

interface Row {
  position: string;
  tenant: string;
  /** Null where the tenant was erased before it was sealed. */
  body: Buffer | null;
}

export class Sealer {
  readonly #abort = new AbortController();
  readonly #alarm = new Alarm();
  readonly #unsealed: Gauge;
  #known = 0;
  #isLeader = false;
  #running: Promise<void> | undefined;

  constructor(private readonly options: SealerOptions) {
    this.#unsealed = new Gauge({
      name: 'aurora_audit_unsealed_events',
      help: 'Sequenced events that are not in a tree yet',
      registers: [options.health.metrics],
    });
  }

  start(): void {
    const { domain, databaseUrl, health, log } = this.options;
    this.#running = keepConnected(
      {
        databaseUrl,
        applicationName: `aurora ${domain} sealer`,
        signal: this.#abort.signal,
        onBroken: () => this.#alarm.ring(),
        onLost: (error) => {
          health.set('sealer', 'degraded', describeError(error));
          log.warn({ error: describeError(error) }, 'Sealer lost the database');
        },
      },
      (client, succeeded) => this.#run(client, succeeded),
    );
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#alarm.ring();
    await this.#running;
  }

  /** Tells that events exist up to and including this position. */
  advance(position: number): void {
    this.#known = position;
  }

  /** What waits is told by the process that seals it. */
  lead(isLeader: boolean): void {
    this.#isLeader = isLeader;
    if (!isLeader) this.#unsealed.set(0);
  }

  async #run(client: Client, succeeded: () => void): Promise<void> {
    while (!this.#abort.signal.aborted) {
      if (this.#isLeader) {
        let sealed = await sealNext(client, this.options.domain);
        while (sealed.count === BATCH && !this.#abort.signal.aborted)
          sealed = await sealNext(client, this.options.domain);
        // Asked again: another one may lead by the end of a seal.
        if (this.#isLeader) this.#unsealed.set(Math.max(0, this.#known - sealed.position));
      }
      this.options.health.set('sealer', 'up');
      succeeded();
      await this.#alarm.wait(GATHER_MS);
    }
  }
}

/** Seals the next events in one transaction. @returns how many, and up to where events are sealed now. */
async function sealNext(client: Client, domain: string): Promise<{ count: number; position: number }> {
  await client.query('begin');
  try {
    const place = await client.query<{ position: string }>(`select position from ${domain}.event_sealed for update`);
    const sealed = Number(place.rows[0]?.position ?? 0);
    const { rows } = await client.query<Row>(
      `select p.position, p.tenant, e.body from ${domain}.event_position p left join ${domain}.event e using (seq)
       where p.position > $1 order by p.position limit ${BATCH}`,
      [sealed],
    );
    const position = Number(rows.at(-1)?.position ?? sealed);
    for (const [tenant, ofTenant] of Map.groupBy(rows, (row) => row.tenant))
      await appendLeaves(client, domain, tenant, ofTenant);
    if (rows.length > 0) await client.query(`update ${domain}.event_sealed set position = $1`, [position]);
    await client.query('commit');
    return { count: rows.length, position };
  } catch (error) {
    await client.query('rollback').catch(() => undefined); // the connection's end does the same
    throw error;
  }
}

async function appendLeaves(client: Client, domain: string, tenant: string, rows: readonly Row[]): Promise<void> {
  const sealable = rows.flatMap(({ position, body }) => (body === null ? [] : [{ position, hash: leafHash(body) }]));
  if (sealable.length === 0) return;
  const head = await client.query<{ size: string; range: Buffer }>(
    `select size, range from ${domain}.tree_head where tenant = $1 order by size desc limit 1`,
    [tenant],
  );
  const [before] = head.rows;
  const tree = before === undefined ? new MerkleTree() : new MerkleTree(Number(before.size), before.range);
  const first = tree.size;
  for (const { hash } of sealable) tree.append(hash);
  await client.query(
    `insert into ${domain}.event_leaf (tenant, leaf, position, hash)
     select $1, $2::bigint + n - 1, p, substr($4::bytea, ((n - 1) * ${HASH_BYTES} + 1)::int, ${HASH_BYTES})
     from unnest($3::bigint[]) with ordinality as given (p, n)`,
    [tenant, first, sealable.map(({ position }) => position), Buffer.concat(sealable.map(({ hash }) => hash))],
  );
  await client.query(`insert into ${domain}.tree_head (tenant, size, root, range) values ($1, $2, $3, $4)`, [
    tenant,
    tree.size,
    tree.root(),
    tree.range,
  ]);
}
