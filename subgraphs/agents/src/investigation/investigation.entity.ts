import type { Scope } from '@aurorasoc/kit/auth';
import { TenantEntity } from '@aurorasoc/kit/domain';
import type { Actor } from '@aurorasoc/kit/events';
import { Entity, Property } from '@mikro-orm/decorators/legacy';
import type { FailureReport, Verdict } from '../a2a/contract.js';
import type { InvestigationStatus } from '../events.js';

export type Mode = 'DUMMY' | 'DRY_RUN' | 'REAL';

export interface NewInvestigation {
  readonly id: string;
  readonly tenant: string;
  readonly alertId: string;
  readonly question: string | null;
  readonly mode: Mode;
  readonly requester: Actor;
  readonly requesterScopes: readonly Scope[];
  readonly requestedAt: Date;
  readonly alertTraceparent: string | null;
  readonly traceparent: string | null;
}

/** One run of agents over an alert. */
@Entity({ tableName: 'investigation' })
export class Investigation extends TenantEntity {
  @Property({ type: 'uuid' })
  alertId: string;

  @Property({ type: 'text', nullable: true })
  question: string | null;

  @Property({ type: 'text' })
  status: InvestigationStatus = 'PENDING';

  /** The mode of the installation when the investigation was requested. */
  @Property({ type: 'text' })
  mode: Mode;

  /** Who reasons: `rules`, the built-in deterministic reasoner. */
  @Property({ type: 'text' })
  reasoner = 'rules';

  @Property({ type: 'text' })
  requesterKind: Actor['kind'];

  @Property({ type: 'text' })
  requesterId: string;

  /** What the requester might do then: its agents may never do more. */
  @Property({ type: 'string[]' })
  requesterScopes: Scope[];

  @Property({ type: 'integer' })
  stepCount = 0;

  @Property({ type: 'json', nullable: true })
  verdict: Verdict | null = null;

  /** Why it ended without the verdict that was asked for. */
  @Property({ type: 'json', nullable: true })
  failure: FailureReport | null = null;

  @Property({ type: 'datetime' })
  requestedAt: Date;

  @Property({ type: 'datetime', nullable: true })
  startedAt: Date | null = null;

  @Property({ type: 'datetime', nullable: true })
  finishedAt: Date | null = null;

  /** The span that opened the alert, as far as it was known at the request. */
  @Property({ type: 'text', nullable: true })
  alertTraceparent: string | null;

  /** The investigation's own trace. */
  @Property({ type: 'text', nullable: true })
  traceparent: string | null;

  constructor(investigation: NewInvestigation) {
    super(investigation.tenant, investigation.id);
    this.alertId = investigation.alertId;
    this.question = investigation.question;
    this.mode = investigation.mode;
    this.requesterKind = investigation.requester.kind;
    this.requesterId = investigation.requester.id;
    this.requesterScopes = [...investigation.requesterScopes];
    this.requestedAt = investigation.requestedAt;
    this.alertTraceparent = investigation.alertTraceparent;
    this.traceparent = investigation.traceparent;
  }

  get isUnfinished(): boolean {
    return this.status === 'PENDING' || this.status === 'RUNNING';
  }
}
