/** What `npm run compose` runs. */
import { writeDomainSchema } from '@aurorasoc/kit/graphql';
import { buildMemorySchema } from './schema.js';

await writeDomainSchema(import.meta.url, buildMemorySchema);
