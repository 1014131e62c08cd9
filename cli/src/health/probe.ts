/** Asks processes how they are, with short waits: a process that hangs counts as one that does not answer. */
import { connect } from 'node:net';
import { describeError } from '@aurorasoc/kit/errors';
import { request } from 'undici';
import { z } from 'zod';
import { shakeHands } from '../services/mqtt-handshake.js';

const PROBE_TIMEOUT_MS = 2_000;

const healthSchema = z.object({
  service: z.string(),
  state: z.enum(['up', 'degraded', 'down']),
  components: z.record(
    z.string(),
    z.object({ state: z.enum(['up', 'degraded', 'down']), since: z.string(), reason: z.string().optional() }),
  ),
});
export type HealthAnswer = Readonly<z.output<typeof healthSchema>>;

/** What `/healthz` says, or why it says nothing. */
export async function askHealth(healthUrl: string): Promise<{ health: HealthAnswer } | { problem: string }> {
  try {
    const { statusCode, body } = await request(`${healthUrl}/healthz`, {
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    });
    const parsed = healthSchema.safeParse(JSON.parse(await body.text()));
    return parsed.success
      ? { health: parsed.data }
      : { problem: `answers ${statusCode} with something else than health` };
  } catch (error) {
    return { problem: `does not answer (${describeError(error)})` };
  }
}

/** Whether a process answers at all, whatever it says. */
export async function answersHealth(healthUrl: string, signal: AbortSignal): Promise<boolean> {
  try {
    const { body } = await request(`${healthUrl}/healthz`, { signal });
    await body.dump();
    return true;
  } catch {
    return false; // whatever the reason: the caller counts for how long
  }
}

/** Whether a role takes work: it says so, and its first port accepts connections. */
export async function isReady(healthUrl: string, port: number): Promise<boolean> {
  const host = new URL(healthUrl).hostname.replace(/^\[(.*)\]$/, '$1');
  return (await saysReady(healthUrl)) && (await acceptsConnection(host, port));
}

async function saysReady(healthUrl: string): Promise<boolean> {
  try {
    const { statusCode, body } = await request(`${healthUrl}/readyz`, {
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    });
    await body.dump();
    return statusCode === 200;
  } catch {
    return false; // not listening yet, or hanging; the caller has the deadline
  }
}

function acceptsConnection(host: string, port: number): Promise<boolean> {
  return exchange(host, port, '', () => true);
}

/** SSLRequest of the PostgreSQL protocol (manual, 55.7): any server answers it with one letter before any login. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/** Whether a PostgreSQL server, and not just its port, answers. Needs no login. */
export function answersAsPostgres(host: string, port: number): Promise<boolean> {
  return exchange(host, port, SSL_REQUEST, (answer) => /^[SN]/.test(answer));
}

/** Whether a Redis answers; without a password it refuses the command, which is an answer as well. */
export function answersAsRedis(host: string, port: number): Promise<boolean> {
  return exchange(host, port, 'PING\r\n', (answer) => /^(\+PONG|-NOAUTH|-NOPERM)/.test(answer));
}

/** Whether an MQTT v5 broker answers; without a login it refuses, which is an answer as well. */
export async function answersAsMqtt(host: string, port: number): Promise<boolean> {
  return (await shakeHands(`mqtt://${host.includes(':') ? `[${host}]` : host}:${port}`)) !== undefined;
}

/** Sends `request` and judges the first bytes that come back; with an empty request a connection is enough. */
function exchange(
  host: string,
  port: number,
  message: string | Buffer,
  isRight: (answer: string) => boolean,
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (result: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => finish(false), PROBE_TIMEOUT_MS);
    socket.once('error', () => finish(false));
    socket.once('close', () => finish(false));
    socket.once('connect', () => (message.length === 0 ? finish(isRight('')) : socket.write(message)));
    socket.once('data', (answer) => finish(isRight(answer.toString('latin1'))));
  });
}
