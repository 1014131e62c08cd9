/** What this domain reads of other domains' events, by its own narrow schemas; contract tests hold them to the producers'. */
export { ALERTS_STREAM, alertOpenedSchema } from './investigation/investigation-policy.js';
