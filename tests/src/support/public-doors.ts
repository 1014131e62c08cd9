/** What tests do at a site's public doors besides GraphQL. */
import type { Role } from '@aurorasoc/kit/auth';
import { expect } from 'vitest';
import { aurora } from './cli.js';
import type { SiteDoors } from './site.js';

/** Posts NDJSON to ingest. @returns the ids of its batches. */
export async function postEvents(site: SiteDoors, ndjson: string, token = site.token): Promise<string[]> {
  const response = await fetch(`${site.urls.ingest}/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', authorization: `Bearer ${token}` },
    body: ndjson,
  });
  const answer = (await response.json()) as { batches?: string[] };
  expect(response.ok, JSON.stringify(answer)).toBe(true);
  return answer.batches ?? [];
}

/** A key of the tenant, made by the command line. @returns its text. */
export async function createToken(
  { cliEnvironment, tenant }: Pick<SiteDoors, 'cliEnvironment' | 'tenant'>,
  role: Role,
  subject: string,
): Promise<string> {
  const result = await aurora(['token', 'create', '--role', role, '--subject', subject, '--tenant', tenant], {
    env: cliEnvironment,
  });
  expect(result.code, result.stderr).toBe(0);
  return result.stdout.trim();
}

/** Another person of the same tenant. @returns their token. */
export function createSecondIdentity(site: SiteDoors, role: Role = 'analyst'): Promise<string> {
  return createToken(site, role, 'second');
}
