/** What this domain takes for granted of others: their events by its own narrow schemas; contract tests hold it to them. */
export { AGENTS_STREAM, EPISODES_GROUP, investigationCompletedSchema } from './episodes/episode.js';
