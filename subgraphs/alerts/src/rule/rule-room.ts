/**
 * How many rules a tenant may hold, and how heavy all of them may be. Whoever runs detection for several tenants holds the rules
 * of all in memory, and makes the engine of one anew when one of its rules changes; the batches behind wait for that.
 */
import type { EntityManager } from '@aurorasoc/kit/database';

/** The public rules are some 3,000. */
export const MAX_RULES = 5_000;
/** So many public rules have room as well, with what they weigh on average; a hostile one weighs up to a hundred times as much. */
export const MAX_WEIGHT = 3_000_000;

export interface Lack {
  readonly code: 'TOO_MANY_RULES' | 'RULES_TOO_LARGE';
  readonly message: string;
}

export class RuleRoom {
  private constructor(
    private rules: number,
    private weight: number,
  ) {}

  /** What the tenant holds; to be asked under the lock that all who save its rules take. */
  static async of(em: EntityManager, tenant: string): Promise<RuleRoom> {
    const [held] = (await em.execute(
      'select count(*)::integer as rules, coalesce(sum(weight), 0)::float8 as weight from alerts.detection_rule where tenant = ?',
      [tenant],
    )) as { rules: number; weight: number }[];
    return new RuleRoom(held?.rules ?? 0, held?.weight ?? 0);
  }

  /**
   * Books a rule. One that becomes no heavier always has room, so that a tenant above the limits can shrink.
   *
   * @param replaced - weight of the rule in whose place it comes.
   * @returns why there is no room; nothing is booked then.
   */
  take(weight: number, replaced?: number): Lack | undefined {
    const rules = this.rules + (replaced === undefined ? 1 : 0);
    const sum = this.weight + weight - (replaced ?? 0);
    if (rules > MAX_RULES && rules > this.rules)
      return { code: 'TOO_MANY_RULES', message: `A tenant may hold ${MAX_RULES} rules of its own, and has them` };
    if (sum > MAX_WEIGHT && sum > this.weight)
      return {
        code: 'RULES_TOO_LARGE',
        message: `The tenant's rules together would be too large to run: ${sum} of ${MAX_WEIGHT}; this one is ${weight}`,
      };
    this.rules = rules;
    this.weight = sum;
    return undefined;
  }

  /** Of a rule that is held already, whose weight was noted wrong. */
  correct(noted: number, weight: number): void {
    this.weight += weight - noted;
  }
}
