import { auditLogSql } from '@aurorasoc/kit/audit';
import { Migration } from '@mikro-orm/migrations';

/** Merkle logs over the domain's events. */
export class AddAuditLog extends Migration {
  override up(): void {
    for (const statement of auditLogSql('agents')) this.addSql(statement);
  }
}
