/** What `aurora migrate` applies for this domain. */
export { alertsMigrations } from '@aurorasoc/migrations/alerts';
