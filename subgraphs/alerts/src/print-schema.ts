/** What `npm run compose` runs. */
import { writeDomainSchema } from '@aurorasoc/kit/graphql';
import { buildAlertsSchema } from './schema.js';

await writeDomainSchema(import.meta.url, buildAlertsSchema);
