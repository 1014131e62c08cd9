/** What `aurora migrate` applies for this domain. */
export { agentsMigrations } from '@aurorasoc/migrations/agents';
