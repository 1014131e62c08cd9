/** What `npm run compose` runs. */
import { writeDomainSchema } from '@aurorasoc/kit/graphql';
import { buildPlaybooksSchema } from './schema.js';

await writeDomainSchema(import.meta.url, buildPlaybooksSchema);
