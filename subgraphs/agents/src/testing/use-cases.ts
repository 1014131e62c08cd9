/** Use cases as specs call them on a database of their own, without a process around them. */
import type { Principal, Scope } from '@aurorasoc/kit/auth';
import { Database } from '@aurorasoc/kit/database';
import { readSecret } from '@aurorasoc/kit/environment';
import { closeTenant } from '@aurorasoc/kit/erasure';
import { newId } from '@aurorasoc/kit/ids';
import type { StreamEntry } from '@aurorasoc/kit/streams';
import { afterAll, beforeAll } from 'vitest';
import { type StepReport, type Verdict, verdictSchema } from '../a2a/contract.js';
import { AGENT_SCOPES, LANES } from '../agent/agent-registry.js';
import { Investigation } from '../investigation/investigation.entity.js';
import { type StartOutcome, startInvestigation } from '../investigation/start-investigation.js';
import { claimDueTasks } from '../task/claim-due-tasks.js';
import type { Claim } from '../task/claim-task.js';
import { delegateTask } from '../task/delegate-task.js';
import { AgentTask } from '../task/task.entity.js';
import { openServices, startSite, type TestSite } from './site.js';

export const LEASE_MS = 60_000;
export const ann = (tenant: string): Principal => ({ tenant, subject: 'ann', kind: 'user', scopes: ['agents:run'] });
export const orchestratorOf = ({ tenant, id }: Pick<Investigation, 'tenant' | 'id'>, subject = 'ann'): Principal => ({
  tenant,
  subject,
  kind: 'agent',
  scopes: ['agents:delegate'],
  actor: 'agent:orchestrator',
  investigation: id,
});
export const step = (ordinal: number, title = `step ${ordinal}`): StepReport => ({
  ordinal,
  kind: 'FINDING',
  title,
  detail: null,
  citedEventIds: [newId()],
  tool: null,
  toolArguments: { query: 'a "b"' },
});
export const VERDICT: Verdict = verdictSchema.parse({
  disposition: 'TRUE_POSITIVE',
  severity: 'HIGH',
  confidence: 0.7,
  summary: 's',
  claims: [],
  techniques: [],
  entities: [],
  timeline: [],
  nextSteps: [],
  couldNotCheck: [],
  isBudgetExhausted: false,
});

/** The alerts domain's event, as the stream brings it. */
export function alertOpened(
  tenant: string,
  alertId: string,
  severity: string,
  more: Readonly<Record<string, string>> = {},
): StreamEntry {
  const body = JSON.stringify({
    time: new Date().toISOString(),
    actor: { kind: 'service', id: 's' },
    data: { severity, title: 't' },
  });
  const fields = new Map(
    Object.entries({ id: newId(), type: 'alert.opened', subject: alertId, tenant, body, ...more }),
  );
  return { stream: 's', key: 's', entryId: '1-0', messageId: fields.get('id') ?? '', tenant, fields };
}

export interface RecordedEvent {
  readonly type: string;
  readonly version: number;
  readonly data: Record<string, unknown>;
}

export type UseCases = ReturnType<typeof useDatabase>;

/** To be called once, at the top of a spec file: a database for the file, and what specs do in it. */
export function useDatabase() {
  let site: TestSite;
  let services: Awaited<ReturnType<typeof openServices>>;
  beforeAll(async () => {
    site = await startSite(['postgres']);
    services = await openServices(site);
  }, 120_000);
  afterAll(async () => {
    await services?.database.close();
    await site?.stop();
  });

  /** As the site does when it erases a tenant; its rows stay. */
  async function close(tenant: string): Promise<void> {
    const { log, health } = services;
    const secret = readSecret(site.keys.secretFile);
    const options = {
      domain: 'agents',
      role: 'eraser',
      url: site.databaseUrl,
      secret,
      entities: [],
      log,
      health,
    } as const;
    const eraser = await Database.open(options);
    await closeTenant(eraser, { request: newId(), tenant, erasureId: newId() });
    await eraser.close();
  }

  function start(tenant: string, alertId = newId()): Promise<StartOutcome> {
    const request = {
      tenant,
      alertId,
      question: null,
      requester: { kind: 'user' as const, id: 'ann' },
      requesterScopes: AGENT_SCOPES as Scope[],
      now: new Date(),
    };
    return services.database.inTenant(tenant, (em) => startInvestigation(em, services, request));
  }

  async function started(tenant: string, alertId?: string): Promise<Investigation> {
    const outcome = await start(tenant, alertId);
    if (outcome.kind === 'limit') throw new Error('limit');
    return outcome.investigation;
  }

  async function claimOf(tenant: string, taskId: string, leaseMs = LEASE_MS): Promise<Claim | undefined> {
    const claimant = { ...services, name: 'spec', leaseMs };
    for (const lane of LANES) {
      const [claim] = await claimDueTasks(claimant, { tenant, lane, limit: 1, only: taskId });
      if (claim) return claim;
    }
    return undefined;
  }

  function firstTask(investigation: Investigation): Promise<AgentTask> {
    return services.database.inTenant(investigation.tenant, (em) =>
      em.findOneOrFail(AgentTask, { investigationId: investigation.id, key: 'orchestrator' }),
    );
  }

  async function running(tenant: string): Promise<{ investigation: Investigation; claim: Claim }> {
    const investigation = await started(tenant);
    const claim = await claimOf(tenant, (await firstTask(investigation)).id);
    if (!claim) throw new Error('not claimed');
    return { investigation, claim };
  }

  async function specialist(investigation: Investigation, key = 'endpoint'): Promise<AgentTask> {
    const outcome = await delegateTask(services.database, services.recorder, orchestratorOf(investigation), {
      investigationId: investigation.id,
      key,
      agent: 'endpoint',
      instruction: null,
    });
    if (outcome.kind !== 'task') throw new Error(outcome.kind);
    return outcome.task;
  }

  function reload(investigation: Investigation): Promise<Investigation> {
    return services.database.inTenant(investigation.tenant, (em) =>
      em.findOneOrFail(Investigation, { id: investigation.id }),
    );
  }

  async function eventsOf(tenant: string, subject: string): Promise<RecordedEvent[]> {
    const rows = (await services.database.inTenant(tenant, (em) =>
      em.execute(
        "select type, version, convert_from(body, 'UTF8') as body from agents.event where subject = ? order by seq",
        [subject],
      ),
    )) as { type: string; version: number; body: string }[];
    return rows.map(({ type, version, body }) => ({
      type,
      version,
      data: (JSON.parse(body) as { data: Record<string, unknown> }).data,
    }));
  }

  return {
    /** As opened for the file; to be read inside of tests only. */
    get services() {
      return services;
    },
    close,
    start,
    started,
    claimOf,
    firstTask,
    running,
    specialist,
    reload,
    eventsOf,
  };
}
