import { closeToOtherTenants } from '@aurorasoc/kit/database';
import { Migration } from '@mikro-orm/migrations';

/** The erasures of tenants: who wanted each, and how far the domains are. */
export class AddErasures extends Migration {
  override up(): void {
    for (const statement of erasures) this.addSql(statement);
  }
}

const erasures = [
  // Nobody's rows: their tenant is the nil UUID, so that the record of an erasure stays whoever is erased later.
  `create table federation.tenant_erasure (
     id uuid primary key,
     tenant uuid not null,
     version integer not null,
     -- One erasure per tenant, for good; serves the look for it.
     erased_tenant uuid not null unique,
     reason text not null,
     requested_by jsonb not null,
     requested_from uuid not null,
     requested_at timestamptz not null,
     completed_at timestamptz,
     domains jsonb not null
   )`,
  ...closeToOtherTenants('federation', 'tenant_erasure'),
  'grant select, insert, update on federation.tenant_erasure to federation_svc',
];
