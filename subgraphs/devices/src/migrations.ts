/** What `aurora migrate` applies for this domain. */
export { migrations } from '@aurorasoc/migrations/devices';
