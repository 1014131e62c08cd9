/** The agents of one process, each an A2A server of its own. */
import { readPublicKey } from '@aurorasoc/kit/auth';
import { closeServer, Health, serveHealth } from '@aurorasoc/kit/health';
import type { Stopper } from '@aurorasoc/kit/lifecycle';
import type { Logger } from '@aurorasoc/kit/log';
import { connectRedis } from '@aurorasoc/kit/streams';
import { startTelemetry } from '@aurorasoc/kit/telemetry';
import { writeUrls } from '../a2a/agent-directory.js';
import { AGENT_NAMES, AGENTS, type AgentName } from '../agent/agent-registry.js';
import { GraphClient } from '../graph/graph-client.js';
import { createTaskMetrics } from '../task/task-metrics.js';
import type { AgentProgram } from './agent-program.js';
import { FleetGuard } from './authenticate.js';
import { assessEndpoint } from './endpoint/assess-endpoint.js';
import type { FleetEnvironment } from './environment.js';
import { investigateAlert } from './orchestrator/investigate-alert.js';
import { PendingResults, type PendingResultsOptions } from './pending-results.js';
import { serveAgent } from './serve-agent.js';

const HEALTH_PORT_OFFSET = 100;

/**
 * What the process is called by logs, spans and metrics: its role.
 * @param agents - that it serves.
 */
export function fleetName(agents: readonly AgentName[]): string {
  return AGENT_NAMES.every((name) => agents.includes(name)) ? 'fleet' : agents.map((name) => `agent:${name}`).join(' ');
}

/**
 * @param names - agents that this process serves; others are served elsewhere. Each has the same port in any company; health and
 * metrics are 100 above the first of them.
 * @returns where each agent listens.
 */
export async function startFleet(
  environment: FleetEnvironment,
  log: Logger,
  stopper: Stopper,
  names: readonly AgentName[] = AGENT_NAMES,
): Promise<Partial<Record<AgentName, string>>> {
  const { A2A_HOST: host, A2A_BASE_PORT: configured, A2A_URLS_FILE: urlsFile } = environment;
  const agents = AGENT_NAMES.filter((name) => names.includes(name)).map((name) => AGENTS[name]);
  const portAt = (offset: number): number => (configured === 'auto' || configured === 0 ? 0 : configured + offset);
  const service = fleetName(names);
  stopper.add('telemetry', startTelemetry(service, environment.OTEL_EXPORTER_OTLP_ENDPOINT), (telemetry) =>
    telemetry.shutdown(),
  );
  const health = new Health(service);
  const firstOffset = Math.min(...agents.map((agent) => agent.portOffset));
  const healthServer = await serveHealth(health, { port: portAt(firstOffset + HEALTH_PORT_OFFSET), host, log });
  stopper.add('health', healthServer, (server) => server && closeServer(server));

  const metrics = createTaskMetrics(health);
  const graph = stopper.add('graph client', new GraphClient(environment.GATEWAY_URL), (client) => client.close());

  const guard = new FleetGuard(readPublicKey(environment.AGENTS_PUBLIC_KEY_FILE));
  const programs: Readonly<Record<AgentName, () => AgentProgram>> = {
    orchestrator: () => investigateAlert(startPendingResults(environment.REDIS_URL, { metrics, health, log }, stopper)),
    endpoint: () => assessEndpoint,
  };
  const urls: Partial<Record<AgentName, string>> = {};
  for (const agent of agents) {
    const port = portAt(agent.portOffset);
    const { server, url } = await serveAgent({ agent, program: programs[agent.name](), graph, guard, host, port, log });
    stopper.add(`agent ${agent.name}`, server, (open) => closeServer(open));
    health.set(`agent ${agent.name}`, 'up');
    urls[agent.name] = url;
  }
  if (urlsFile !== undefined) writeUrls(urlsFile, urls);
  log.info({ urls }, 'Ready');
  return urls;
}

/** Only who delegates waits for results. */
function startPendingResults(
  redisUrl: string,
  options: Omit<PendingResultsOptions, 'reader'>,
  stopper: Stopper,
): PendingResults {
  const reader = stopper.add('redis', connectRedis(redisUrl, 'results', options.health), (redis) => redis.disconnect());
  const results = new PendingResults({ reader, ...options });
  results.start();
  return stopper.add('pending results', results, (pending) => pending.stop());
}
