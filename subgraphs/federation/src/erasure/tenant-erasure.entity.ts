import { TenantEntity } from '@aurorasoc/kit/domain';
import type { Actor } from '@aurorasoc/kit/events';
import { NO_TENANT } from '@aurorasoc/kit/ids';
import { Entity, Property } from '@mikro-orm/decorators/legacy';

/** How far one domain is. */
export interface DomainErasure {
  readonly domain: string;
  /** Null until nothing of the tenant is left there. */
  readonly erasedAt: string | null;
  /** Rows that were taken away, by table. */
  readonly tables: Readonly<Record<string, number>>;
  readonly streamEntries: number;
  readonly deadLetters: number;
}

/** That a tenant is to leave every domain. One per tenant, for good. It is nobody's, so nobody's erasure takes it away. */
@Entity({ tableName: 'tenant_erasure' })
export class TenantErasure extends TenantEntity {
  @Property({ type: 'uuid' })
  erasedTenant: string;

  @Property({ type: 'text' })
  reason: string;

  @Property({ type: 'json' })
  requestedBy: Actor;

  /** The tenant of who asked. */
  @Property({ type: 'uuid' })
  requestedFrom: string;

  @Property({ type: 'datetime' })
  requestedAt: Date;

  @Property({ type: 'datetime', nullable: true })
  completedAt: Date | null = null;

  /** Every domain that the site had when it was last asked for, in the order of their names. */
  @Property({ type: 'json' })
  domains: readonly DomainErasure[];

  constructor(request: {
    erasedTenant: string;
    reason: string;
    requestedBy: Actor;
    requestedFrom: string;
    requestedAt: Date;
    domains: readonly string[];
  }) {
    super(NO_TENANT);
    this.erasedTenant = request.erasedTenant;
    this.reason = request.reason;
    this.requestedBy = request.requestedBy;
    this.requestedFrom = request.requestedFrom;
    this.requestedAt = request.requestedAt;
    this.domains = unanswered(request.domains);
  }

  /** No domain's earlier answer counts any more. Who asked first, when and why stays. @param domains - of the site by now. */
  beginAgain(domains: readonly string[]): void {
    this.domains = unanswered(domains);
    this.completedAt = null;
    this.version += 1;
  }
}

function unanswered(domains: readonly string[]): DomainErasure[] {
  return domains.toSorted().map((domain) => ({ domain, erasedAt: null, tables: {}, streamEntries: 0, deadLetters: 0 }));
}
