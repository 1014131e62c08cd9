import type { DomainMigrations } from '@aurorasoc/kit/database';
import { CreateDevices } from './0001-devices.js';
import { KeepDirectory } from './0002-erasure.js';

export const migrations: DomainMigrations = [
  { name: '0001-devices', class: CreateDevices },
  { name: '0002-erasure', class: KeepDirectory },
];
