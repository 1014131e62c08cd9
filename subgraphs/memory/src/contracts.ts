/** What this domain takes for granted of others: their events by its own narrow schemas; contract tests hold it to them. */
export {
  AGENTS_STREAM,
  EPISODES_GROUP,
  INVESTIGATION_COMPLETED,
  investigationCompletedSchema,
} from './episodes/episode.js';
