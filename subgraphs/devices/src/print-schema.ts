/** What `npm run compose` runs. */
import { writeDomainSchema } from '@aurorasoc/kit/graphql';
import { buildDevicesSchema } from './schema.js';

await writeDomainSchema(import.meta.url, buildDevicesSchema);
