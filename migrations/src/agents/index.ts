import type { DomainMigrations } from '@aurorasoc/kit/database';
import { CreateAgents } from './0001-agents.js';
import { AddWaiting } from './0002-waiting.js';
import { LetRelayRenewEpoch } from './0003-epoch.js';
import { AddAuditLog } from './0004-audit.js';
import { KeepTasksUpdatable } from './0005-busy-tasks.js';

export const migrations: DomainMigrations = [
  { name: '0001-agents', class: CreateAgents },
  { name: '0002-waiting', class: AddWaiting },
  { name: '0003-epoch', class: LetRelayRenewEpoch },
  { name: '0004-audit', class: AddAuditLog },
  { name: '0005-busy-tasks', class: KeepTasksUpdatable },
];
