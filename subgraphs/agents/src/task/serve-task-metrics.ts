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
    health.set(COMPONENT, 'up');
    stopper.add(COMPONENT, server, (open) => closeServer(open));
  } catch (error) {
    log.warn(
      { port, error: describeError(error) },
      'Port for the metrics of the task worker cannot be had; running on without it',
    );
    health.set(COMPONENT, 'degraded', `port ${port} could not be bound`);
  }
}
