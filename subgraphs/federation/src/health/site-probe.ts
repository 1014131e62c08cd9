/** Asks every process of the site how it is. One that is dead or hangs costs its own row and the wait for it, nothing else. */
import { describeError } from '@aurorasoc/kit/errors';
import { type Clock, systemClock } from '@aurorasoc/kit/ids';
import { request } from 'undici';
import { z } from 'zod';
import type { HealthAddress } from '../environment.js';

/** A process that is well answers within milliseconds; an analyst's screen waits for the slowest. */
const PROBE_TIMEOUT_MS = 1_500;
/** However many look at the health at once, each process is asked this often at most. */
const KEEP_MS = 2_000;
/** More than any process says about itself; what listens there may be something else. */
const MAX_BYTES = 256 * 1024;

const stateSchema = z.enum(['up', 'degraded', 'down']);
export type State = z.output<typeof stateSchema>;

const componentSchema = z.object({ state: stateSchema, since: z.iso.datetime(), reason: z.string().optional() });
const reportSchema = z.object({ state: stateSchema, components: z.record(z.string(), componentSchema) });

export interface ComponentReport extends z.output<typeof componentSchema> {
  readonly name: string;
}

export interface ServiceReport {
  readonly name: string;
  readonly state: State;
  /** Why the process itself could not tell how it is. */
  readonly problem: string | undefined;
  readonly components: readonly ComponentReport[];
}

export interface SiteReport {
  readonly checkedAt: Date;
  /** In the order of the addresses. */
  readonly services: readonly ServiceReport[];
}

export class SiteProbe {
  #latest: { readonly askedAt: number; readonly report: Promise<SiteReport> } | undefined;

  constructor(
    private readonly addresses: readonly HealthAddress[],
    private readonly clock: Clock = systemClock,
  ) {}

  /** @returns what was found at most 2 s ago; never rejects. */
  report(): Promise<SiteReport> {
    const now = this.clock();
    if (this.#latest === undefined || now.getTime() - this.#latest.askedAt >= KEEP_MS)
      this.#latest = { askedAt: now.getTime(), report: this.#ask(now) };
    return this.#latest.report;
  }

  async #ask(checkedAt: Date): Promise<SiteReport> {
    return { checkedAt, services: await Promise.all(this.addresses.map(askService)) };
  }
}

async function askService({ name, url }: HealthAddress): Promise<ServiceReport> {
  try {
    const { body } = await request(`${url}/healthz`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    const parsed = reportSchema.safeParse(JSON.parse(await readBounded(body)));
    if (!parsed.success) return silent(name, 'It answers with something else than health');
    const components = Object.entries(parsed.data.components).map(([part, facts]) => ({ name: part, ...facts }));
    return { name, state: parsed.data.state, problem: undefined, components };
  } catch (error) {
    return silent(name, `It does not answer: ${describeError(error)}`);
  }
}

function silent(name: string, problem: string): ServiceReport {
  return { name, state: 'down', problem, components: [] };
}

async function readBounded(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new Error(`more than ${MAX_BYTES} bytes of health`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
