/** The task worker's metrics on a port that scrapers know it by, beside the process' own. */
import { createServer } from 'node:http';
import type { DomainRuntime } from '@aurorasoc/kit/domain';
import { describeError } from '@aurorasoc/kit/errors';
import { closeServer, healthListener, listen } from '@aurorasoc/kit/health';

const COMPONENT = 'task worker metrics';

/** A taken port costs this copy of the metrics, not the process. */
export async function serveTaskMetrics(
  { health, log, stopper, environment }: DomainRuntime,
  port: number,
): Promise<void> {
  const server = createServer(healthListener(health, log));
  try {
    await listen(server, port, environment.HOST);
    stopper.add(COMPONENT, server, (open) => closeServer(open));
  } catch (error) {
    log.warn(
      { port, error: describeError(error) },
      'The metrics of the task worker are on the health port alone: set AGENT_TASK_WORKER_METRICS_PORT to a free port, or to 0',
    );
  }
}
