/** What tests do at a site's public doors besides GraphQL. */
import type { Role } from '@aurorasoc/kit/auth';
import { expect } from 'vitest';
import { aurora } from './cli.js';
import type { RunningSite } from './site.js';

/** Posts NDJSON to ingest. @returns the ids of its batches. */
export async function postEvents(site: RunningSite, ndjson: string, token = site.token): Promise<string[]> {
  const response = await fetch(`${site.site.urls.ingest}/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', authorization: `Bearer ${token}` },
    body: ndjson,
  });
  const answer = (await response.json()) as { batches?: string[] };
  expect(response.ok, JSON.stringify(answer)).toBe(true);
  return answer.batches ?? [];
}

/** Another person of the same tenant. @returns their token. */
export async function createSecondIdentity(site: RunningSite, role: Role = 'analyst'): Promise<string> {
  const result = await aurora(['token', 'create', '--role', role, '--subject', 'second'], { env: site.cliEnvironment });
  expect(result.code, result.stderr).toBe(0);
  return /aurora_[a-z0-9]{12}_[\w-]{43}/.exec(result.stdout)?.[0] ?? '';
}
