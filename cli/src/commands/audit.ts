/** `aurora audit verify`: whether what happened in each domain is still recorded as it was sealed. */
import { type AuditReport, verifyLog } from '@aurorasoc/kit/audit';
import { Database } from '@aurorasoc/kit/database';
import { readSecret } from '@aurorasoc/kit/environment';
import { AuroraError } from '@aurorasoc/kit/errors';
import { Health } from '@aurorasoc/kit/health';
import { createLog } from '@aurorasoc/kit/log';
import { findServiceUrls } from '../doctor/check-services.js';
import { readClientEnvironment, readSiteEnvironment, type SiteEnvironment } from '../environment.js';
import { type SiteHome, siteHome } from '../home/site-home.js';
import { DOMAIN_NAMES, type DomainName, domainVariable } from '../roles/domains.js';
import { EXIT } from '../terminal/report-error.js';
import { resolveTenant } from './token.js';

export interface VerifyOptions {
  /** @default the profile that AURORA_PROFILE names */
  readonly tenant?: string;
  readonly json?: boolean;
}

/** Exit code 1 when any log has a fault. @throws AuroraError `NOT_RUNNING` when no database is known. */
export async function verifyAudit({ tenant: name, json }: VerifyOptions): Promise<void> {
  const environment = readSiteEnvironment();
  const home = siteHome(environment.AURORA_HOME);
  const tenant = resolveTenant(name ?? readClientEnvironment().AURORA_PROFILE, home.credentialsFile);
  const reports = Object.fromEntries(
    await Promise.all(
      DOMAIN_NAMES.map(async (domain) => [domain, await verifyDomain(environment, home, domain, tenant)] as const),
    ),
  ) as Record<DomainName, AuditReport>;
  if (json) console.log(JSON.stringify(reports, (_, value) => (isBuffer(value) ? hexOf(value) : value), 2));
  else for (const [domain, report] of Object.entries(reports)) console.log(formatReport(domain, report));
  if (Object.values(reports).some(({ fault }) => fault !== undefined)) process.exitCode = EXIT.failed;
}

async function verifyDomain(
  environment: SiteEnvironment,
  home: SiteHome,
  domain: DomainName,
  tenant: string,
): Promise<AuditReport> {
  const url = environment[domainVariable(domain, 'DATABASE_URL')] ?? findServiceUrls(environment, home).postgres;
  if (url === undefined)
    throw new AuroraError({
      code: 'NOT_RUNNING',
      publicMessage: `No database of ${home.root} is known; start the site, or set DATABASE_URL`,
    });
  const database = await Database.open({
    domain,
    role: 'svc',
    url,
    secret: readSecret(environment.AURORA_SECRET_FILE ?? home.secretFile),
    entities: [],
    log: createLog('aurora', 'silent'),
    health: new Health('aurora'),
  });
  try {
    return await database.inTenant(tenant, (em) => verifyLog(em, domain, tenant));
  } catch (cause) {
    if (!(cause instanceof AuroraError && cause.code === 'SERVICE_UNAVAILABLE')) throw cause;
    const publicMessage = `The database of ${domain} at ${new URL(url).host} does not answer; start the site, or set DATABASE_URL`;
    throw new AuroraError({ code: 'NOT_RUNNING', publicMessage, cause });
  } finally {
    await database.close();
  }
}

/** Such as `alerts: whole, 31 events, root 5f…`, or `alerts: NOT WHOLE, EVENT_CHANGED at 7, behind 7 events as they were sealed`. */
function formatReport(domain: string, { size, withoutEvent, root, fault }: AuditReport): string {
  const events = `${size} events${withoutEvent === 0 ? '' : ` (${withoutEvent} of them no longer kept)`}`;
  if (fault !== undefined)
    return `${domain}: NOT WHOLE, ${fault.kind} at ${fault.at}, behind ${events} as they were sealed`;
  return `${domain}: whole, ${events}, root ${root.toString('hex')}`;
}

interface JsonBuffer {
  readonly type: 'Buffer';
  readonly data: readonly number[];
}

/** What `Buffer.toJSON` has made of it before a replacer sees it. */
function isBuffer(value: unknown): value is JsonBuffer {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer';
}

const hexOf = ({ data }: JsonBuffer): string => Buffer.from(data).toString('hex');
