/** What clients do in every domain while Redis is wiped, and what they have done, by the answers that they got. */
import { setTimeout as wait } from 'node:timers/promises';
import type { GraphClient } from '@aurorasoc/cli/client';
import { EdgeConnection, enrolEdgeDevice, telemetryPayload } from '../../support/edge-device.js';
import { shadowCopiesDeleted, toNdjson } from '../../support/events.js';
import { postNumbers } from '../../support/numbered-events.js';
import { playbookOf } from '../../support/playbooks.js';
import { postEvents } from '../../support/public-doors.js';
import { between, type Random } from '../../support/random.js';
import type { RunningSite } from '../../support/site.js';

/** Whatever was answered as done. */
export interface Ledger {
  /** Of events that match no rule. */
  readonly numbers: number[];
  /** Events that open an alert or count in one, by host. */
  readonly hosts: Map<string, number>;
  readonly memories: string[];
  /** Samples that the broker took, by device. */
  readonly samples: Map<string, number>;
  /** The version of each that is saved and in force, by name. */
  readonly playbooks: Map<string, number>;
  readonly erased: string[];
}

export interface Load {
  readonly site: RunningSite;
  readonly random: Random;
  /** Aborted when enough was done. */
  readonly over: AbortSignal;
}

export function newLedger(): Ledger {
  return { numbers: [], hosts: new Map(), memories: [], samples: new Map(), playbooks: new Map(), erased: [] };
}

const DEVICES = 20;
const PLAYBOOKS = 5;
const MOST_EVENTS = 50;
const MOST_OF_A_HOST = 3;

/** All of it but erasures, which come with the wipes. Resolves when it is over. */
export async function runLoad(load: Load, ledger: Ledger): Promise<void> {
  await Promise.all([
    sendNumbers(load, ledger),
    sendSignals(load, ledger),
    rememberThings(load, ledger),
    sendTelemetry(load, ledger),
    savePlaybooks(load, ledger),
  ]);
}

/** Does something again and again, at an even pace but for what it takes itself. */
async function repeat({ over }: Load, pauseMs: number, act: (n: number) => Promise<void>): Promise<void> {
  for (let n = 0; !over.aborted; n++) {
    await act(n);
    await wait(pauseMs);
  }
}

function sendNumbers(load: Load, { numbers }: Ledger): Promise<void> {
  let next = 0;
  return repeat(load, 200, async () => {
    const some = Array.from({ length: between(load.random, 1, MOST_EVENTS) }, () => next++);
    if (!(await postNumbers(load.site, some)))
      throw new Error('Ingest refuses events, although only Redis was emptied');
    numbers.push(...some);
  });
}

/** A host in each round, and one of those before a second time. */
function sendSignals(load: Load, { hosts }: Ledger): Promise<void> {
  return repeat(load, 300, async (n) => {
    for (const host of [`WS-${n}`, `WS-${between(load.random, 0, n)}`]) {
      const count = between(load.random, 1, MOST_OF_A_HOST);
      const events = Array.from({ length: count }, () => shadowCopiesDeleted(host));
      await postEvents(load.site, toNdjson(events));
      hosts.set(host, (hosts.get(host) ?? 0) + count);
    }
  });
}

function rememberThings(load: Load, { memories }: Ledger): Promise<void> {
  return repeat(load, 400, async (n) => {
    const title = `Note ${n}`;
    await load.site.client.query('mutation ($input: RememberInput!) { remember(input: $input) { id } }', {
      input: { tier: 'SEMANTIC', title, text: `What the team knows: ${n}` },
    });
    memories.push(title);
  });
}

async function sendTelemetry(load: Load, { samples }: Ledger): Promise<void> {
  const { client, serviceUrl } = load.site;
  const ids: string[] = [];
  for (let n = 0; n < DEVICES; n++) ids.push(await enrolEdgeDevice(client, `Edge ${n}`));
  const connection = new EdgeConnection(serviceUrl('mosquitto'));
  try {
    await repeat(load, 300, async (n) => {
      for (const id of ids) {
        await connection.send(id, telemetryPayload(n, { temperature: n % 40 }));
        samples.set(id, n + 1);
      }
    });
  } finally {
    await connection.close();
  }
}

interface Saved {
  readonly savePlaybook: { readonly id: string; readonly savedVersion: number };
}

function savePlaybooks(load: Load, { playbooks }: Ledger): Promise<void> {
  const { client } = load.site;
  return repeat(load, 500, async (n) => {
    const name = `Playbook ${n % PLAYBOOKS}`;
    const document = { ...playbookOf(name, n % PLAYBOOKS), description: `As of round ${n}` };
    const { savePlaybook } = await client.query<Saved>(
      'mutation ($document: String!) { savePlaybook(input: { document: $document }) { ... on Playbook { id savedVersion } } }',
      { document: JSON.stringify(document) },
    );
    const { id, savedVersion: version } = savePlaybook;
    await client.query(
      'mutation ($id: ID!, $version: Int!) { activatePlaybook(id: $id, version: $version) { __typename } }',
      { id, version },
    );
    playbooks.set(name, version);
  });
}

/** Asks for an erasure; the domains are told through Redis. @param siteAdmin - may erase. */
export async function eraseTenant(siteAdmin: GraphClient, tenant: string, { erased }: Ledger): Promise<void> {
  await siteAdmin.query('mutation ($input: EraseTenantInput!) { eraseTenant(input: $input) { __typename } }', {
    input: { tenantId: tenant, confirmation: tenant, reason: 'soak' },
  });
  erased.push(tenant);
}
