import type { DomainMigrations } from '@aurorasoc/kit/database';
import { CreateAlerts } from './0001-alerts.js';

export const migrations: DomainMigrations = [{ name: '0001-alerts', class: CreateAlerts }];
