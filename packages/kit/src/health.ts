/**
 * What a process says about itself: `/healthz` (alive, with every component's state), `/readyz` (ready for work) and
 * `/metrics` (Prometheus text) on a port of its own.
 */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { AuroraError, type AuroraErrorOptions, describeError } from './errors.js';
import type { Logger } from './log.js';

export type ComponentState = 'up' | 'degraded' | 'down';

export interface ComponentHealth {
  readonly state: ComponentState;
  /** When the component entered this state, RFC 3339. */
  readonly since: string;
  readonly reason?: string;
}

export interface HealthReport {
  readonly service: string;
  readonly state: ComponentState;
  readonly components: Readonly<Record<string, ComponentHealth>>;
}

const WORST: readonly ComponentState[] = ['up', 'degraded', 'down'];

/** The states of one process' components, and its metrics registry. */
export class Health {
  readonly metrics = new Registry();
  readonly #components = new Map<string, ComponentHealth>();
  readonly #gauge: Gauge;
  #isDraining = false;

  constructor(readonly service: string) {
    this.metrics.setDefaultLabels({ service });
    collectDefaultMetrics({ register: this.metrics });
    this.#gauge = new Gauge({
      name: 'aurora_component_up',
      help: 'State of a component: 1 up, 0.5 degraded, 0 down',
      labelNames: ['component'],
      registers: [this.metrics],
    });
  }

  /** Sets a component's state; the same state again keeps its `since`. */
  set(component: string, state: ComponentState, reason?: string): void {
    const before = this.#components.get(component);
    if (before?.state === state && before.reason === reason) return;
    const since = before?.state === state ? before.since : new Date().toISOString();
    this.#components.set(component, reason === undefined ? { state, since } : { state, since, reason });
    this.#gauge.set({ component }, state === 'up' ? 1 : state === 'degraded' ? 0.5 : 0);
  }

  /** Takes out a component that there is no more; it is in no report or metric until it is set again. */
  forget(component: string): void {
    this.#components.delete(component);
    this.#gauge.remove({ component });
  }

  /** From now on `/readyz` answers 503, so that balancers send nothing new. */
  drain(): void {
    this.#isDraining = true;
  }

  report(): HealthReport {
    const components = Object.fromEntries(this.#components);
    const worst = Math.max(0, ...Object.values(components).map((component) => WORST.indexOf(component.state)));
    return { service: this.service, state: WORST[worst] ?? 'down', components };
  }

  get isReady(): boolean {
    return !this.#isDraining && this.report().state !== 'down';
  }
}

/** A server's listener for a port that has nothing but the three paths. */
export function healthListener(health: Health, log: Logger): RequestListener {
  return (request, response) => {
    // Not by `new URL`: that throws on paths such as `//`, and nobody signs in here.
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    answerHealth(health, path).then(
      (answer) => {
        response.writeHead(answer?.status ?? 404, { 'content-type': answer?.type ?? 'text/plain' });
        response.end(answer?.body ?? 'not found\n');
      },
      (error: unknown) => {
        log.error({ error: describeError(error) }, 'Health or metrics could not be told');
        response.writeHead(500, { 'content-type': 'text/plain' }).end('the reason is in the log\n');
      },
    );
  };
}

/** Answers one of the three paths; returns undefined for any other. Shared by processes whose main port serves them, too. */
export async function answerHealth(
  health: Health,
  path: string,
): Promise<{ status: number; type: string; body: string } | undefined> {
  const json = (status: number) => ({ status, type: 'application/json', body: `${JSON.stringify(health.report())}\n` });
  if (path === '/healthz') return json(200);
  if (path === '/readyz') return json(health.isReady ? 200 : 503);
  if (path === '/metrics')
    return { status: 200, type: health.metrics.contentType, body: await health.metrics.metrics() };
  return undefined;
}

/**
 * Serves the three paths on their own port. A taken port costs the metrics, not the process: it warns, marks the
 * component `metrics` as degraded and runs on.
 */
export async function serveHealth(
  health: Health,
  options: { port: number; host: string; log: Logger },
): Promise<Server | undefined> {
  const server = createServer(healthListener(health, options.log));
  try {
    await listen(server, options.port, options.host);
    health.set('metrics', 'up');
    return server;
  } catch (error) {
    options.log.warn(
      { port: options.port, error: describeError(error) },
      'Metrics port cannot be bound; running without metrics',
    );
    health.set('metrics', 'degraded', `port ${options.port} could not be bound`);
    return undefined;
  }
}

type WhyNot = (
  port: number,
  host: string,
  hostVariable: string,
) => Pick<AuroraErrorOptions, 'code' | 'publicMessage' | 'field'>;

const notOfThisMachine: WhyNot = (_port, host, hostVariable) => ({
  code: 'CONFIGURATION_INVALID',
  field: hostVariable,
  publicMessage: `${hostVariable} is ${host}, which is no address of this machine; give one that is, or 0.0.0.0 for all`,
});

/** By the system's code. */
const WHY_NOT_LISTENING: Readonly<Record<string, WhyNot>> = {
  EADDRINUSE: (port, host) => ({
    code: 'PORT_TAKEN',
    publicMessage: `Port ${port} on ${host} is taken by another program; stop it or choose another port`,
  }),
  EACCES: (port, host) => ({
    code: 'CONFIGURATION_INVALID',
    publicMessage: `This user may not listen on port ${port} of ${host}; choose a port from 1024 on`,
  }),
  EADDRNOTAVAIL: notOfThisMachine,
  ENOTFOUND: notOfThisMachine,
};

/**
 * Listens and returns the port, the one the system chose when `port` is 0.
 *
 * @param hostVariable - name of the variable that `host` was read from, for whoever has to change it.
 * @throws AuroraError `PORT_TAKEN` naming port and host; `CONFIGURATION_INVALID` for a port that needs a right which the user has
 *   not, or a host that is none of this machine's.
 */
export async function listen(server: Server, port: number, host: string, hostVariable = 'HOST'): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException): void => {
      const why = WHY_NOT_LISTENING[error.code ?? ''];
      reject(why ? new AuroraError({ ...why(port, host, hostVariable), cause: error }) : error);
    };
    // Stays: a later one is of a connection that could not be accepted, and must not end the process.
    server.on('error', refuse);
    server.listen(port, host, resolve);
  });
  return (server.address() as AddressInfo).port;
}

/** Stops accepting, ends idle connections, and after `graceMs` the busy ones. */
export function closeServer(server: Server, graceMs = 5_000): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), graceMs).unref();
  });
}
