/** `aurora tenant erase`: has a site give up all that it holds of a tenant, and its keys. */
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { AuroraError, badUserInput } from '@aurorasoc/kit/errors';
import { sleep } from '@aurorasoc/kit/lifecycle';
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
import { siteHome } from '../home/site-home.js';
import { nameTenant } from '../tenants.js';
import { formatTable } from '../terminal/format-table.js';
import { EXIT } from '../terminal/report-error.js';
import { resolveConnection, type SiteTarget } from './profile.js';
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

const LOOK_MS = 500;

/** Exit code 1 when a domain is not done in time; it goes on by itself. @param name - id of a tenant, or a profile. */
export async function eraseTenant(name: string, options: EraseOptions): Promise<void> {
  const environment = readClientEnvironment();
  const home = siteHome(environment.AURORA_HOME);
  const tenantId = resolveTenant(name, home.credentialsFile);
  if (!options.yes) await confirm(tenantId);
  const { url, token } = resolveConnection(options);
  const client = createClient({ url, token });
  const input = { tenantId, confirmation: tenantId, reason: options.reason };
  const asked = (await client.query<EraseTenantAnswer>(ERASE_TENANT, { input })).eraseTenant;
  if (asked.__typename !== 'TenantErasure')
    throw new AuroraError({ code: 'CONFLICT', publicMessage: `The site wants ${asked.tenantId} confirmed` });

  const keys = environment.AURORA_API_KEYS_FILE ?? home.apiKeysFile;
  // Tenants have the same ids in every installation: another site's erasure is no reason to revoke keys of this one.
  const isOurs = existsSync(keys) && isTokenKnown(keys, token);
  if (isOurs) await revokeKeys(keys, tenantId, token);
  const erasure = await waitForEnd(client, asked, options.wait);
  if (isOurs && erasure.state === 'ERASED') await revokeKeys(keys, tenantId);
  if (options.json) console.log(JSON.stringify(erasure, null, 2));
  else for (const line of formatErasure(erasure)) console.log(line);
  if (erasure.state !== 'ERASED') process.exitCode = EXIT.failed;
}

/** @throws AuroraError `BAD_USER_INPUT` where nobody can be asked, and for any other answer. */
async function confirm(tenantId: string): Promise<void> {
  if (!process.stdin.isTTY)
    throw badUserInput('--yes', 'This cannot be undone, and nobody is there to confirm it; give --yes');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    console.error(`Everything of tenant ${nameTenant(tenantId)} goes, in every domain, and its id is closed for good.`);
    const typed = await terminal.question(`Type ${tenantId} to go on: `);
    if (typed.trim() !== tenantId) throw badUserInput('TENANT', 'That is not its id; nothing was done');
  } finally {
    terminal.close();
  }
}

/** The key that asks is left until the end is known. */
function revokeKeys(file: string, tenant: string, except?: string): Promise<void> {
  const [, kept] = except?.split('_') ?? [];
  return changeApiKeys(file, (keys) => keys.filter((key) => key.tenant !== tenant || key.id === kept));
}

async function waitForEnd(client: GraphClient, asked: ErasureFacts, wait: number): Promise<ErasureFacts> {
  const deadline = performance.now() + wait * 1_000;
  for (let erasure = asked; ; await sleep(LOOK_MS)) {
    if (erasure.state === 'ERASED' || performance.now() > deadline) return erasure;
    erasure = (await client.query<ErasureAnswer>(ERASURE, { id: asked.id })).tenantErasure ?? erasure;
  }
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
