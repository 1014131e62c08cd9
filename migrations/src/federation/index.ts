import type { DomainMigrations } from '@aurorasoc/kit/database';
import { CreateFederation } from './0001-federation.js';

export const migrations: DomainMigrations = [{ name: '0001-federation', class: CreateFederation }];
