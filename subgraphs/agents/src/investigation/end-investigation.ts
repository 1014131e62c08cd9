/** What follows from the end of an investigation, whichever it is; to be called with the investigation locked and its status set. */
import type { EntityManager } from '@aurorasoc/kit/database';
import type { Actor } from '@aurorasoc/kit/events';
import { cancelOpenTasks } from '../task/end-task.js';
import type { Investigation } from './investigation.entity.js';
import type { StartServices } from './start-investigation.js';
import { startPostponed } from './start-postponed.js';

/** Ends its open tasks, tells that it ended, and gives its room to the alert that has waited longest. */
export async function endInvestigation(
  em: EntityManager,
  services: StartServices,
  investigation: Investigation,
  actor: Actor,
  now: Date,
): Promise<void> {
  investigation.finishedAt = now;
  await cancelOpenTasks(em, services.recorder, investigation.id, actor, now);
  await services.investigationLog.completed(em, investigation, actor, now);
  await startPostponed(em, services, investigation.tenant);
}
