/** A part of the publisher on its own connection, which is made anew whenever it is lost. */
import { Client } from 'pg';
import { backoffMs, sleep } from '../lifecycle.js';

export interface KeepConnectedOptions {
  /** Login of the relay role. */
  readonly databaseUrl: string;
  readonly applicationName: string;
  /** Ends it; `work` watches it, too. */
  readonly signal: AbortSignal;
  /** Called when the connection breaks while `work` waits for something else. */
  readonly onBroken: () => void;
  /** Called with what `work` threw, before the wait for the next try. */
  readonly onLost: (error: unknown) => void;
}

const CONNECT_TIMEOUT_MS = 2_000;
const QUERY_TIMEOUT_MS = 30_000;
const LONGEST_WAIT_MS = 2_000;

/** @param work - runs until the signal; calls `succeeded` once the connection has proved good, which ends the back-off. */
export async function keepConnected(
  { databaseUrl, applicationName, signal, onBroken, onLost }: KeepConnectedOptions,
  work: (client: Client, succeeded: () => void) => Promise<void>,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const client = new Client({
      connectionString: databaseUrl,
      application_name: applicationName,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: QUERY_TIMEOUT_MS,
      keepAlive: true,
    });
    client.on('error', onBroken);
    try {
      await client.connect();
      await work(client, () => {
        failures = 0;
      });
    } catch (error) {
      if (signal.aborted) break;
      onLost(error);
      await sleep(backoffMs(failures++, 100, LONGEST_WAIT_MS), signal);
    } finally {
      await client.end().catch(() => undefined); // a connection that is gone is what was wanted
    }
  }
}
