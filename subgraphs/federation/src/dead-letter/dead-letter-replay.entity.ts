import { TenantEntity } from '@aurorasoc/kit/domain';
import { Entity, Property } from '@mikro-orm/decorators/legacy';

/** That somebody had a letter's entry handled once more. One per letter: a replay that broke off half-way is finished, not repeated. */
@Entity({ tableName: 'dead_letter_replay' })
export class DeadLetterReplay extends TenantEntity {
  /** The stream that the entry came from. */
  @Property({ type: 'text' })
  stream: string;

  /** The letter's id in the dead-letter stream. */
  @Property({ type: 'text' })
  letterId: string;

  @Property({ type: 'datetime' })
  replayedAt: Date;

  constructor(tenant: string, stream: string, letterId: string, replayedAt: Date) {
    super(tenant);
    this.stream = stream;
    this.letterId = letterId;
    this.replayedAt = replayedAt;
  }
}
