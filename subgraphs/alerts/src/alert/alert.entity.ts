import { TenantEntity } from '@aurorasoc/kit/domain';
import { BigIntType } from '@mikro-orm/core';
import { Entity, Property } from '@mikro-orm/decorators/legacy';

export type Severity = 'INFORMATIONAL' | 'LOW' | 'MEDIUM' | 'HIGH' | 'CRITICAL';
export type AlertStatus = 'NEW' | 'TRIAGED' | 'IN_PROGRESS' | 'RESOLVED' | 'CLOSED';

/** Something an alert is about: a host, a user, an address, a file, a process. */
export interface AlertEntity {
  readonly type: 'HOST' | 'USER' | 'IP' | 'FILE' | 'PROCESS';
  readonly value: string;
}

export type NewAlert = Omit<Alert, 'version' | 'status' | 'assignee' | 'updatedAt'>;

/** What a person looks into: all signals of one rule that share a grouping key, while it is open. */
@Entity({ tableName: 'alert' })
export class Alert extends TenantEntity {
  @Property({ type: 'uuid' })
  ruleId: string;

  @Property({ type: 'text' })
  title: string;

  @Property({ type: 'text' })
  description: string;

  @Property({ type: 'text' })
  severity: Severity;

  @Property({ type: 'text' })
  status: AlertStatus = 'NEW';

  @Property({ type: 'text', nullable: true })
  assignee: string | null = null;

  @Property({ type: 'string[]' })
  techniques: string[];

  @Property({ type: 'string[]' })
  tactics: string[];

  @Property({ type: 'json' })
  entities: AlertEntity[];

  /** ECS fields and values that all matches share: why they are one alert. */
  @Property({ type: 'json' })
  groupingKey: Record<string, string>;

  @Property({ type: 'text' })
  fingerprint: string;

  @Property({ type: new BigIntType('number') })
  count: number;

  /** `@timestamp` of the earliest match. */
  @Property({ type: 'datetime' })
  firstSeenAt: Date;

  /** `@timestamp` of the latest match. */
  @Property({ type: 'datetime' })
  lastSeenAt: Date;

  @Property({ type: 'datetime' })
  openedAt: Date;

  @Property({ type: 'datetime' })
  updatedAt: Date;

  /** W3C trace context of the span that opened the alert. */
  @Property({ type: 'text', nullable: true })
  traceparent: string | null;

  constructor(alert: NewAlert) {
    super(alert.tenant, alert.id);
    this.ruleId = alert.ruleId;
    this.title = alert.title;
    this.description = alert.description;
    this.severity = alert.severity;
    this.techniques = alert.techniques;
    this.tactics = alert.tactics;
    this.entities = alert.entities;
    this.groupingKey = alert.groupingKey;
    this.fingerprint = alert.fingerprint;
    this.count = alert.count;
    this.firstSeenAt = alert.firstSeenAt;
    this.lastSeenAt = alert.lastSeenAt;
    this.openedAt = alert.openedAt;
    this.updatedAt = alert.openedAt;
    this.traceparent = alert.traceparent;
  }
}
