/** What this domain takes for granted of others, such as their events by its own narrow schemas; contract tests hold it to them. */
export { formatQuery } from './fleet/tools/query-text.js';
export { GATEWAY_LIMITS } from './graph/gateway-limits.js';
export { ALERT_OPENED, ALERTS_STREAM, alertOpenedSchema } from './investigation/investigation-policy.js';
export { POLICY_GROUP } from './investigation/policy-request.js';
