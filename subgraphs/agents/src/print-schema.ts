/** What `npm run compose` runs. */
import { writeDomainSchema } from '@aurorasoc/kit/graphql';
import { buildAgentsSchema } from './schema.js';

await writeDomainSchema(import.meta.url, buildAgentsSchema);
