/** What a task worker is made of, for those who put another dispatcher into it than the one that calls agents. */
export { RESULT_STREAM, TASK_STREAM } from './events.js';
export { Investigation } from './investigation/investigation.entity.js';
export { InvestigationLog } from './investigation/investigation-log.js';
export { InvestigationStep } from './investigation/investigation-step.entity.js';
export { AgentTokens, TOKEN_ISSUER, TOKEN_SECONDS } from './task/agent-tokens.js';
export { requestTask } from './task/request-task.js';
export { AgentTask } from './task/task.entity.js';
export { createTaskMetrics } from './task/task-metrics.js';
export { TASK_GROUP, TaskWorker } from './task/task-worker.js';
