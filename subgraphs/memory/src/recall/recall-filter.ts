/** Which entries may be recalled; every search of recall has this condition and no other. */
import { arrayLiteral } from '@aurorasoc/kit/database';
import type { Tier } from '../events.js';

export interface RecallFilter {
  readonly tiers?: readonly Tier[] | undefined;
  /** Remembered at or after. */
  readonly from?: Date | undefined;
  /** Remembered before. */
  readonly to?: Date | undefined;
}

export interface SqlCondition {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** Never an entry in quarantine. */
export function recallable({ tiers, from, to }: RecallFilter): SqlCondition {
  const conditions: [string, ...unknown[]][] = [['not is_quarantined']];
  if (tiers !== undefined) conditions.push(['tier = any(?::text[])', arrayLiteral(tiers)]);
  if (from !== undefined) conditions.push(['created_at >= ?', from]);
  if (to !== undefined) conditions.push(['created_at < ?', to]);
  return {
    sql: conditions.map(([sql]) => sql).join(' and '),
    parameters: conditions.flatMap(([, ...parameters]) => parameters),
  };
}
