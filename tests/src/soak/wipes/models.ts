/** The read model of each domain: as the graph shows it, and as the clients' ledger says that it must be. */
import type { GraphClient } from '@aurorasoc/cli/client';
import { DOMAIN_NAMES, type DomainName } from '@aurorasoc/cli/roles';
import { readNumbers } from '../../support/numbered-events.js';
import type { RunningSite } from '../../support/site.js';
import type { Ledger } from './load.js';

/** One line for each thing, sorted. */
export type Model = readonly string[];
export type Models = Readonly<Record<DomainName, Model>>;

const READ_WITHIN_MS = 30_000;

interface Page<T> {
  readonly nodes: readonly T[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

async function readAll<T>(client: GraphClient, field: string, selection: string): Promise<T[]> {
  const query = `query ($after: String) { page: ${field}(first: 200, after: $after) { nodes { ${selection} } pageInfo { hasNextPage endCursor } } }`;
  const all: T[] = [];
  for (let after: string | null = null; ; ) {
    const { page }: { page: Page<T> } = await client.query(query, { after });
    all.push(...page.nodes);
    if (!page.pageInfo.hasNextPage) return all;
    after = page.pageInfo.endCursor;
  }
}

export async function readModels(
  site: RunningSite,
  siteAdmin: GraphClient,
  devices: Iterable<string>,
): Promise<Models> {
  const { client } = site;
  const alerts = await readAll<{ id: string; count: number; entities: { type: string; value: string }[] }>(
    client,
    'alerts',
    'id count entities { type value }',
  );
  const hostOf = new Map(
    alerts.map(({ id, entities }) => [id, entities.find(({ type }) => type === 'HOST')?.value ?? '']),
  );
  const numbers = await readNumbers(site, Date.now() + READ_WITHIN_MS);
  const investigations = await readAll<{ alertId: string; status: string }>(client, 'investigations', 'alertId status');
  const memories = await readAll<{ tier: string; title: string; alertId: string | null }>(
    client,
    'memoryEntries',
    'tier title alertId',
  );
  const playbooks = await readAll<{ name: string; savedVersion: number; activeVersion: number | null }>(
    client,
    'playbooks',
    'name savedVersion activeVersion',
  );
  const erasures = await readAll<{ tenantId: string; state: string }>(siteAdmin, 'tenantErasures', 'tenantId state');
  return sorted({
    alerts: [
      ...alerts.map(({ id, count }) => `${hostOf.get(id)} ${count}`),
      ...[...numbers].map(([number, times]) => `event ${number} ${times}`),
    ],
    agents: investigations.map(({ alertId, status }) => `${hostOf.get(alertId)} ${status}`),
    memory: memories.map(({ tier, title, alertId }) =>
      alertId === null ? `${tier} ${title}` : `${tier} of ${hostOf.get(alertId)}`,
    ),
    playbooks: playbooks.map(({ name, savedVersion, activeVersion }) => `${name} ${savedVersion} ${activeVersion}`),
    devices: await readTelemetry(client, devices),
    federation: erasures.map(({ tenantId, state }) => `${tenantId} ${state}`),
  });
}

async function readTelemetry(client: GraphClient, devices: Iterable<string>): Promise<string[]> {
  const lines: string[] = [];
  for (const id of devices) {
    const { device } = await client.query<{ device: { telemetry: Page<{ sequence: number }> } }>(
      'query ($id: ID!) { device(id: $id) { telemetry(first: 200) { nodes { sequence } pageInfo { hasNextPage endCursor } } } }',
      { id },
    );
    lines.push(...device.telemetry.nodes.map(({ sequence }) => `${id} ${sequence}`));
  }
  return lines;
}

export function expectedModels(ledger: Ledger): Models {
  const hosts = [...ledger.hosts.keys()];
  return sorted({
    alerts: [
      ...[...ledger.hosts].map(([host, count]) => `${host} ${count}`),
      ...ledger.numbers.map((number) => `event ${number} 1`),
    ],
    agents: hosts.map((host) => `${host} COMPLETED`),
    memory: [...ledger.memories.map((title) => `SEMANTIC ${title}`), ...hosts.map((host) => `EPISODIC of ${host}`)],
    playbooks: [...ledger.playbooks].map(([name, version]) => `${name} ${version} ${version}`),
    devices: [...ledger.samples].flatMap(([id, count]) => Array.from({ length: count }, (_, n) => `${id} ${n}`)),
    federation: ledger.erased.map((tenant) => `${tenant} ERASED`),
  });
}

function sorted(models: Models): Models {
  return Object.fromEntries(
    Object.entries(models).map(([domain, lines]) => [domain, lines.toSorted()]),
  ) as unknown as Models;
}

/** What differs, by domain: nothing where all are equal. */
export function compareModels(seen: Models, expected: Models): Readonly<Partial<Record<DomainName, string>>> {
  return Object.fromEntries(
    DOMAIN_NAMES.flatMap((domain) => {
      const [missing, surplus] = [without(expected[domain], seen[domain]), without(seen[domain], expected[domain])];
      if (missing.length + surplus.length === 0) return [];
      const some = [...missing.map((line) => `-${line}`), ...surplus.map((line) => `+${line}`)].slice(0, 3);
      return [[domain, `${missing.length} missing, ${surplus.length} too many: ${some.join(', ')}`]];
    }),
  );
}

/** Lines of one that the other has not, counted as often as they come. */
function without(lines: Model, others: Model): string[] {
  const left = new Map<string, number>();
  for (const line of others) left.set(line, (left.get(line) ?? 0) + 1);
  return lines.filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
}
