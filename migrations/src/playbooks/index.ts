import type { DomainMigrations } from '@aurorasoc/kit/database';
import { CreatePlaybooks } from './0001-playbooks.js';

export const migrations: DomainMigrations = [{ name: '0001-playbooks', class: CreatePlaybooks }];
