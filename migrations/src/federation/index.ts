import type { DomainMigrations } from '@aurorasoc/kit/database';
import { CreateFederation } from './0001-federation.js';
import { AddErasures } from './0002-erasures.js';

export const migrations: DomainMigrations = [
  { name: '0001-federation', class: CreateFederation },
  { name: '0002-erasures', class: AddErasures },
];
