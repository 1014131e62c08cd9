import type { DomainMigrations } from '@aurorasoc/kit/database';
import { CreateAgents } from './0001-agents.js';

export const migrations: DomainMigrations = [{ name: '0001-agents', class: CreateAgents }];
