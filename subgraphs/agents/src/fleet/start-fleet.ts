/** All agents of one process, each an A2A server of its own. */
import { renameSync, writeFileSync } from 'node:fs';
import { readPublicKey } from '@aurorasoc/kit/auth';
import { closeServer, Health, serveHealth } from '@aurorasoc/kit/health';
import type { Stopper } from '@aurorasoc/kit/lifecycle';
import type { Logger } from '@aurorasoc/kit/log';
import { connectRedis } from '@aurorasoc/kit/streams';
import { startTelemetry } from '@aurorasoc/kit/telemetry';
import { AGENTS, type AgentName } from '../agent/agent-registry.js';
import { GraphClient } from '../graph/graph-client.js';
import { createTaskMetrics } from '../task/task-metrics.js';
import type { AgentProgram } from './agent-program.js';
import { FleetGuard } from './authenticate.js';
import { assessEndpoint } from './endpoint/assess-endpoint.js';
import type { FleetEnvironment } from './environment.js';
import { investigateAlert } from './orchestrator/investigate-alert.js';
import { PendingResults } from './pending-results.js';
import { serveAgent } from './serve-agent.js';

const HEALTH_PORT_OFFSET = 100;

/** @returns where each agent listens. */
export async function startFleet(
  environment: FleetEnvironment,
  log: Logger,
  stopper: Stopper,
): Promise<Record<AgentName, string>> {
  const { A2A_HOST: host, A2A_BASE_PORT: configured, A2A_URLS_FILE: urlsFile } = environment;
  const basePort = configured === 'auto' ? 0 : configured;
  stopper.add('telemetry', startTelemetry('fleet', environment.OTEL_EXPORTER_OTLP_ENDPOINT), (telemetry) =>
    telemetry.shutdown(),
  );
  const health = new Health('fleet');
  const healthServer = await serveHealth(health, {
    port: basePort === 0 ? 0 : basePort + HEALTH_PORT_OFFSET,
    host,
    log,
  });
  stopper.add('health', healthServer, (server) => server && closeServer(server));

  const reader = stopper.add('redis', connectRedis(environment.REDIS_URL, 'results', health), (redis) =>
    redis.disconnect(),
  );
  const results = new PendingResults({ reader, metrics: createTaskMetrics(health), health, log });
  results.start();
  stopper.add('pending results', results, (pending) => pending.stop());
  const graph = stopper.add('graph client', new GraphClient(environment.GATEWAY_URL), (client) => client.close());

  const guard = new FleetGuard(readPublicKey(environment.AGENTS_PUBLIC_KEY_FILE));
  const programs: Readonly<Record<AgentName, AgentProgram>> = {
    orchestrator: investigateAlert(results),
    endpoint: assessEndpoint,
  };
  const urls = {} as Record<AgentName, string>;
  for (const agent of Object.values(AGENTS)) {
    const port = basePort === 0 ? 0 : basePort + agent.portOffset;
    const { server, url } = await serveAgent({ agent, program: programs[agent.name], graph, guard, host, port, log });
    stopper.add(`agent ${agent.name}`, server, (open) => closeServer(open));
    health.set(`agent ${agent.name}`, 'up');
    urls[agent.name] = url;
  }
  if (urlsFile !== undefined) writeUrls(urlsFile, urls);
  log.info({ urls }, 'Ready');
  return urls;
}

/** In one step: whoever reads the file reads all of it. */
function writeUrls(file: string, urls: Readonly<Record<string, string>>): void {
  const draft = `${file}.${process.pid}.tmp`;
  writeFileSync(draft, `${JSON.stringify(urls, null, 2)}\n`);
  renameSync(draft, file);
}
