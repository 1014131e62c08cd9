import { isDeepStrictEqual } from 'node:util';
import type { Principal } from '@aurorasoc/kit/auth';
import { newId } from '@aurorasoc/kit/ids';
import { describe, expect, it, vi } from 'vitest';
import { ALERT_ID, attackGraph } from '../testing/event-graph.js';
import { ann, hang, INVESTIGATE, investigate, TEST_TIMEOUT_MS, useSite } from '../testing/investigations.js';
import { MAX_STEPS } from './list-investigations.js';

vi.setConfig({ testTimeout: TEST_TIMEOUT_MS });

const spec = useSite();
const INVESTIGATE_OR_NOT =
  'mutation ($input: InvestigateInput!) { investigate(input: $input) { __typename ... on Investigation { id } ... on AlertNotFound { id } } }';
const { start, serve } = spec;

describe('the graph', () => {
  it('refuses what the caller may not do, and names the field that is wrong', async () => {
    const process = await start();
    const errorOf = async (who: Principal, document: string, variables = {}) =>
      (await process.query(who, document, variables)).errors?.[0]?.extensions;
    expect(await errorOf(ann(['agents:read']), INVESTIGATE, { input: { alertId: ALERT_ID } })).toMatchObject({
      code: 'FORBIDDEN',
    });
    expect(await errorOf(ann(['agents:run']), '{ investigations { nodes { id } } }')).toMatchObject({
      code: 'FORBIDDEN',
    });
    expect(await errorOf(ann(), INVESTIGATE, { input: { alertId: 'x' } })).toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'input.alertId',
    });
    expect(await errorOf(ann(), INVESTIGATE, { input: {} })).toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'input.alertId',
    });
    expect(
      await errorOf(ann(), INVESTIGATE, { input: { alertId: ALERT_ID, question: 'x'.repeat(2_001) } }),
    ).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.question' });
    for (const question of ['a\0b', 'half of \ud83d'])
      expect(await errorOf(ann(), INVESTIGATE, { input: { alertId: ALERT_ID, question } })).toMatchObject({
        code: 'BAD_USER_INPUT',
        field: 'input.question',
      });
    const delegate = 'mutation ($input: DelegateTaskInput!) { delegateTask(input: $input) { __typename } }';
    expect(
      await errorOf(ann(), delegate, { input: { investigationId: newId(), key: 'k', agent: 'endpoint' } }),
    ).toMatchObject({ code: 'FORBIDDEN' });
  });

  it('starts nothing for an alert that does not exist or belongs to others, and asks with the right to read alerts alone', async () => {
    const process = await start({ orchestrator: await serve('orchestrator', hang) });
    const who = ann();
    const [known] = attackGraph().alerts;
    if (!known) throw new Error('no alert');
    const foreign = { ...known, id: newId(), tenant: newId() };
    process.setEvents({ events: [], alerts: [known, foreign] });
    const answerTo = async (alertId: string, as = who) =>
      (await process.query(as, INVESTIGATE_OR_NOT, { input: { alertId } })).data?.investigate;
    for (const id of [newId(), foreign.id]) expect(await answerTo(id), id).toEqual({ __typename: 'AlertNotFound', id });
    expect((await process.query(who, '{ investigations { nodes { id } } }')).data?.investigations).toEqual({
      nodes: [],
    });
    expect(process.gateway.seen.map(({ principal }) => principal)).toEqual(
      Array(2).fill({ ...who, kind: 'agent', scopes: ['alerts:read'], actor: 'agent:intake' }),
    );
    expect(await answerTo(known.id)).toMatchObject({ __typename: 'Investigation' });
  });

  it('follows no investigation that is not there, and tells another tenant the same about one that is', async () => {
    const process = await start({ orchestrator: await serve('orchestrator', hang) });
    const who = ann();
    const FOLLOW = 'subscription ($id: ID!) { investigationProgressed(id: $id) { __typename } }';
    const id = await investigate(process, who);
    const answerTo = async (as: Principal, asked: string) => {
      const caughtUp = { investigationProgressed: { __typename: 'CaughtUp' } };
      try {
        // It may have caught up with an empty table: the start gets its position a moment after its transaction.
        for await (const item of process.subscribe(as, FOLLOW, { id: asked }))
          if (!isDeepStrictEqual(item, caughtUp)) return item;
      } catch (error) {
        return (JSON.parse((error as Error).message) as { message: string; extensions: object }[])[0];
      }
      return undefined;
    };
    expect(await answerTo(who, id)).toEqual({ investigationProgressed: { __typename: 'InvestigationProgress' } });
    const none = { message: 'There is no such investigation', extensions: { code: 'NOT_FOUND', field: 'id' } };
    expect(await answerTo(who, newId())).toMatchObject(none);
    expect(await answerTo(ann(), id)).toMatchObject(none);
  });

  it('tells a requester who may not read alerts nothing about them', async () => {
    const process = await start({ orchestrator: await serve('orchestrator', hang) });
    const blind = ann(['agents:read', 'agents:run']);
    for (const alertId of [ALERT_ID, newId()])
      expect((await process.query(blind, INVESTIGATE_OR_NOT, { input: { alertId } })).data?.investigate).toEqual({
        __typename: 'AlertNotFound',
        id: alertId,
      });
    expect(process.gateway.seen).toEqual([]);
  });

  it('lets an agent delegate, and read tasks, in its own investigation alone', async () => {
    const process = await start({ orchestrator: await serve('orchestrator', hang) });
    const who = ann();
    const [other] = attackGraph().alerts.map((alert) => ({ ...alert, id: newId() }));
    if (!other) throw new Error('no alert');
    process.setEvents({ ...attackGraph(), alerts: [...attackGraph().alerts, other] });
    const [own, foreign] = [await investigate(process, who), await investigate(process, who, other.id)];
    const agentOf = (investigation: string): Principal => ({
      ...who,
      kind: 'agent',
      scopes: ['agents:read', 'agents:delegate'],
      actor: 'agent:orchestrator',
      investigation,
    });
    const delegate = (as: Principal) =>
      process.query(
        as,
        'mutation ($input: DelegateTaskInput!) { delegateTask(input: $input) { ... on AgentTask { id } } }',
        { input: { investigationId: own, key: 'k', agent: 'endpoint' } },
      );
    expect((await delegate(agentOf(foreign))).errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' });
    const { data } = await delegate(agentOf(own));
    const { id } = (data?.delegateTask ?? {}) as { id: string };
    const read = (as: Principal) => process.query(as, 'query ($id: ID!) { task(id: $id) { id } }', { id });
    expect((await read(agentOf(own))).data).toEqual({ task: { id } });
    expect((await read(who)).data).toEqual({ task: { id } });
    expect((await read(agentOf(foreign))).data).toEqual({ task: null });
  });

  it('pages through investigations, and shows those of each alert newest first, to their tenant alone', async () => {
    const process = await start({ orchestrator: await serve('orchestrator', hang) });
    const who = ann();
    const alerts = [newId(), newId(), newId()];
    const [known] = attackGraph().alerts;
    process.setEvents({ events: [], alerts: known ? alerts.map((id) => ({ ...known, id })) : [] });
    const ids: string[] = [];
    for (const alertId of alerts) ids.push(await investigate(process, who, alertId));
    const list =
      'query ($after: String) { investigations(first: 2, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } }';
    const first = (await process.query(who, list)).data?.investigations as {
      nodes: { id: string }[];
      pageInfo: { endCursor: string; hasNextPage: boolean };
    };
    expect(first).toMatchObject({ nodes: [{ id: ids[2] }, { id: ids[1] }], pageInfo: { hasNextPage: true } });
    const second = (await process.query(who, list, { after: first.pageInfo.endCursor })).data?.investigations;
    expect(second).toMatchObject({ nodes: [{ id: ids[0] }], pageInfo: { hasNextPage: false } });

    const entities =
      'query ($of: [_Any!]!) { _entities(representations: $of) { ... on Alert { investigations { id } } } }';
    const of = alerts.map((id) => ({ __typename: 'Alert', id }));
    expect((await process.query(who, entities, { of })).data?._entities).toEqual(
      ids.map((id) => ({ investigations: [{ id }] })),
    );
    expect((await process.query(ann(), entities, { of })).data?._entities).toEqual(
      ids.map(() => ({ investigations: [] })),
    );
  });

  it('shows the first steps of each investigation, however many its agents told', async () => {
    const process = await start({ orchestrator: await serve('orchestrator', hang) });
    const who = ann();
    const [first, second] = [newId(), newId()];
    const [known] = attackGraph().alerts;
    process.setEvents({ events: [], alerts: known ? [first, second].map((id) => ({ ...known, id })) : [] });
    const ids = [await investigate(process, who, first), await investigate(process, who, second)];
    for (const id of ids) {
      const task = await spec.taskOf(who, id);
      await spec.services.database.inTenant(who.tenant, (em) =>
        em.execute(
          `insert into agents.investigation_step (id, tenant, investigation_id, ordinal, task_id, task_ordinal, agent, kind, title, cited_event_ids, at)
           select gen_random_uuid(), ?, ?, n, ?, n, 'orchestrator', 'FINDING', 't', '{}', now() from generate_series(1, ?) as n`,
          [who.tenant, id, task.id, MAX_STEPS + 1],
        ),
      );
    }
    const { data } = await process.query(who, '{ investigations { nodes { id steps { ordinal } } } }');
    const { nodes } = (data?.investigations ?? { nodes: [] }) as {
      nodes: { id: string; steps: { ordinal: number }[] }[];
    };
    expect(nodes.map(({ id }) => id)).toEqual(ids.toReversed());
    for (const { steps } of nodes)
      expect(steps.map(({ ordinal }) => ordinal)).toEqual(Array.from({ length: MAX_STEPS }, (_, index) => index + 1));
  });
});
