/** `aurora tenant erase`: has a site give up all that it holds of a tenant, and its keys. */
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { readApiKeys } from '@aurorasoc/kit/auth';
import { AuroraError, badUserInput } from '@aurorasoc/kit/errors';
import { sleep } from '@aurorasoc/kit/lifecycle';
import { nameTenant } from '@aurorasoc/kit/tenants';
import { createClient, type GraphClient } from '../client/index.js';
import {
  ERASE_TENANT,
  ERASURE,
  type EraseTenantAnswer,
  type ErasureAnswer,
  type ErasureFacts,
} from '../client/operations.js';
import { readClientEnvironment } from '../environment.js';
import { changeApiKeys } from '../home/change-file.js';
import { isTokenKnown } from '../home/credentials.js';
import { addErasedTenant, readErasedTenants } from '../home/erased-tenants.js';
import { siteHome } from '../home/site-home.js';
import { formatTable } from '../terminal/format-table.js';
import { EXIT } from '../terminal/report-error.js';
import { chooseConnection, type SiteTarget } from './profile.js';
import { resolveTenant } from './token.js';

export interface EraseOptions extends SiteTarget {
  /** Kept with the erasure. */
  readonly reason: string;
  /** Nobody is asked to confirm. */
  readonly yes?: boolean;
  /** Seconds for which the end is waited for. */
  readonly wait: number;
  readonly json?: boolean;
}

/** What became of the tenant's API keys. They are in a file, which the site itself cannot change. */
interface Revocation {
  /** Where they were looked for. */
  readonly file: string;
  readonly revoked: number;
  /** Why none could be: the file is not here, or it is not that of the site that was asked. */
  readonly problem?: 'NO_KEY_FILE' | 'OTHER_KEY_FILE';
}

const LOOK_MS = 500;

/**
 * Exit code 1 when a domain is not done in time; it goes on by itself.
 *
 * @param name - id of a tenant, or a profile.
 * @throws AuroraError naming the erasure, once it is recorded, when how it goes could not be read to the end
 */
export async function eraseTenant(name: string, options: EraseOptions): Promise<void> {
  const environment = readClientEnvironment();
  const home = siteHome(environment.AURORA_HOME);
  const tenantId = resolveTenant(name, home.credentialsFile);
  if (!options.yes) requireTerminal();
  const { url, token } = chooseConnection(options);
  const file = environment.AURORA_API_KEYS_FILE ?? home.apiKeysFile;
  const problem = findProblem(file, token);
  if (problem === undefined) warnIfUnknown(file, tenantId);
  if (!options.yes) await confirm(tenantId);
  const client = createClient({ url, token });
  const input = { tenantId, confirmation: tenantId, reason: options.reason };
  const asked = (await client.query<EraseTenantAnswer>(ERASE_TENANT, { input })).eraseTenant;
  if (asked.__typename !== 'TenantErasure')
    throw new AuroraError({ code: 'CONFLICT', publicMessage: `The site wants ${asked.tenantId} confirmed` });

  const keys = { file, revoked: 0, ...(problem === undefined ? {} : { problem }) };
  let erasure: ErasureFacts = asked;
  try {
    if (!problem) keys.revoked += await revokeKeys(file, tenantId);
    const seen = await waitForEnd(client, asked, options.wait);
    erasure = seen.erasure;
    if (seen.failure !== undefined) throw seen.failure;
    // Those that were made meanwhile.
    if (!problem && erasure.state === 'ERASED') keys.revoked += await revokeKeys(file, tenantId);
  } catch (cause) {
    // Nobody has looked at the words of anything else, so they make no public message. The outcome names the erasure.
    if (!(cause instanceof AuroraError)) throw cause;
    throw new AuroraError({
      code: cause.code,
      publicMessage: `Erasure ${asked.id} is recorded and goes on by itself, but: ${cause.publicMessage}`,
      cause,
    });
  } finally {
    // Whatever happened since it was asked for: nobody could find out later which keys went.
    tellOutcome(erasure, keys, options.json);
  }
}

function tellOutcome(erasure: ErasureFacts, keys: Revocation, json: boolean | undefined): void {
  if (json) console.log(JSON.stringify({ ...erasure, keys }, null, 2));
  else for (const line of [...formatErasure(erasure), formatRevocation(keys)]) console.log(line);
  if (erasure.state !== 'ERASED') process.exitCode = EXIT.failed;
}

/**
 * Says so where the site has no key of the tenant, which begins with its first: a slip in the id would close one that nobody
 * has, and leave the tenant that was meant. No refusal, since all of its keys may have been revoked before.
 */
function warnIfUnknown(file: string, tenantId: string): void {
  const isKnown =
    readApiKeys(file).some(({ tenant }) => tenant === tenantId) || readErasedTenants(file).includes(tenantId);
  if (!isKnown) console.error(`aurora: ${file} has no API key of tenant ${nameTenant(tenantId)}; is that its id?`);
}

/** @throws AuroraError `BAD_USER_INPUT` where nobody can be asked. */
function requireTerminal(): void {
  if (!process.stdin.isTTY)
    throw badUserInput('--yes', 'This cannot be undone, and nobody is there to confirm it; give --yes');
}

/** @throws AuroraError `BAD_USER_INPUT` for any other answer than the id. */
async function confirm(tenantId: string): Promise<void> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    console.error(`Everything of tenant ${nameTenant(tenantId)} goes, in every domain, and its id is closed for good.`);
    const typed = await terminal.question(`Type ${tenantId} to go on: `);
    if (typed.trim() !== tenantId) throw badUserInput('TENANT', 'That is not its id; nothing was done');
  } finally {
    terminal.close();
  }
}

/** Tenants have the same ids in every installation: another site's erasure is no reason to revoke keys of this one. */
function findProblem(file: string, token: string): Revocation['problem'] {
  if (!existsSync(file)) return 'NO_KEY_FILE';
  return isTokenKnown(file, token) ? undefined : 'OTHER_KEY_FILE';
}

/**
 * Also sees to it that no key of the tenant is made by this file any more. The one that asks is no key of it: no site lets a
 * token erase its own.
 *
 * @returns how many keys went.
 */
async function revokeKeys(file: string, tenant: string): Promise<number> {
  let revoked = 0;
  await changeApiKeys(file, (keys) => {
    addErasedTenant(file, tenant);
    const kept = keys.filter((key) => key.tenant !== tenant);
    revoked = keys.length - kept.length;
    return kept;
  });
  return revoked;
}

/**
 * Looks until the end or the deadline, through a gateway that is away for a while.
 *
 * @param wait - seconds.
 * @returns what was seen last, and why the last look failed if it did.
 */
async function waitForEnd(
  client: GraphClient,
  asked: ErasureFacts,
  wait: number,
): Promise<{ erasure: ErasureFacts; failure?: unknown }> {
  const deadline = performance.now() + wait * 1_000;
  let seen: { erasure: ErasureFacts; failure?: unknown } = { erasure: asked };
  while (seen.erasure.state !== 'ERASED' && performance.now() < deadline) {
    await sleep(LOOK_MS);
    try {
      const { tenantErasure } = await client.query<ErasureAnswer>(ERASURE, { id: asked.id });
      seen = { erasure: tenantErasure ?? seen.erasure };
    } catch (failure) {
      seen = { erasure: seen.erasure, failure };
      if (!mayPass(failure)) break;
    }
  }
  return seen;
}

/** Away for a while; anything else is no better at the next look. */
function mayPass(failure: unknown): boolean {
  return failure instanceof AuroraError && ['SERVICE_UNAVAILABLE', 'DEADLINE_EXCEEDED'].includes(failure.code);
}

function formatErasure({ tenantId, state, id, domains }: ErasureFacts): readonly string[] {
  const rows = domains.map(({ domain, state: ofDomain, tables, streamEntries, deadLetters }) => [
    domain,
    ofDomain,
    String(tables.reduce((sum, table) => sum + table.rows, 0)),
    String(streamEntries),
    String(deadLetters),
  ]);
  return [
    `Tenant ${nameTenant(tenantId)} is ${state === 'ERASED' ? 'erased' : 'still being erased'} (erasure ${id})`,
    ...formatTable([['DOMAIN', 'STATE', 'ROWS', 'STREAM ENTRIES', 'DEAD LETTERS'], ...rows]),
  ];
}

function formatRevocation({ file, revoked, problem }: Revocation): string {
  if (problem === undefined) return `API keys of it that were revoked in ${file}: ${revoked}`;
  const reason =
    problem === 'NO_KEY_FILE' ? 'does not exist' : 'does not hold the key that asked, so it is of another site';
  return (
    `No API key of it was revoked: ${file} ${reason}. ` +
    'Run this again where the key file of the site is, or name it by AURORA_API_KEYS_FILE'
  );
}
