import type { DomainMigrations } from '@aurorasoc/kit/database';
import { CreateAlerts } from './0001-alerts.js';
import { LetRelayRenewEpoch } from './0002-epoch.js';
import { AddAuditLog } from './0003-audit.js';
import { AddRuleWeights } from './0004-rule-weights.js';
import { RemoveOldReceipts } from './0005-old-receipts.js';
import { AddRuleSetStamps } from './0006-rule-set-stamps.js';

export const migrations: DomainMigrations = [
  { name: '0001-alerts', class: CreateAlerts },
  { name: '0002-epoch', class: LetRelayRenewEpoch },
  { name: '0003-audit', class: AddAuditLog },
  { name: '0004-rule-weights', class: AddRuleWeights },
  { name: '0005-old-receipts', class: RemoveOldReceipts },
  { name: '0006-rule-set-stamps', class: AddRuleSetStamps },
];
