import { auditLogSql } from '@aurorasoc/kit/audit';
import { closeToOtherTenants } from '@aurorasoc/kit/database';
import { eventLogSql } from '@aurorasoc/kit/events';
import { Migration } from '@mikro-orm/migrations';

/** The site's own record, and the replays of dead letters. */
export class CreateFederation extends Migration {
  override up(): void {
    const statements = [...eventLogSql('federation'), ...auditLogSql('federation'), ...site, ...replays];
    for (const statement of statements) this.addSql(statement);
  }
}

const site = [
  // One row, no tenant's: the id that the site keeps whatever becomes of its name and key.
  `create table federation.site (
     is_own boolean primary key default true check (is_own),
     id uuid not null,
     created_at timestamptz not null default now()
   )`,
  'grant select, insert on federation.site to federation_svc',
];

const replays = [
  `create table federation.dead_letter_replay (
     id uuid primary key,
     tenant uuid not null,
     version integer not null,
     stream text not null,
     letter_id text not null,
     replayed_at timestamptz not null,
     -- One record per letter; serves the look for it.
     unique (tenant, stream, letter_id)
   )`,
  ...closeToOtherTenants('federation', 'dead_letter_replay'),
  'grant select, insert on federation.dead_letter_replay to federation_svc',
];
