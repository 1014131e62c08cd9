/** Writes the subgraph's schema to `schema.graphql` beside this package, for composition. */
import { writeFileSync } from 'node:fs';
import { printDomainSchema } from '@aurorasoc/kit/graphql';
import { buildAgentsSchema } from './schema.js';

writeFileSync(new URL('../schema.graphql', import.meta.url), printDomainSchema(await buildAgentsSchema()));
