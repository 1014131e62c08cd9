import type { DomainMigrations } from '@aurorasoc/kit/database';
import { CreateDevices } from './0001-devices.js';

export const migrations: DomainMigrations = [{ name: '0001-devices', class: CreateDevices }];
