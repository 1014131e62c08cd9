/** What `npm run compose` runs. */
import { writeDomainSchema } from '@aurorasoc/kit/graphql';
import { buildFederationSchema } from './schema.js';

await writeDomainSchema(import.meta.url, buildFederationSchema);
