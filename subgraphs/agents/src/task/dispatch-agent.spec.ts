import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { readPrivateKey, readPublicKey, TokenSigner } from '@aurorasoc/kit/auth';
import { closeServer, listen } from '@aurorasoc/kit/health';
import { createLog } from '@aurorasoc/kit/log';
import { afterAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { StepReport } from '../a2a/contract.js';
import { AGENTS } from '../agent/agent-registry.js';
import { AgentFailure, type AgentProgram } from '../fleet/agent-program.js';
import { FleetGuard } from '../fleet/authenticate.js';
import { serveAgent } from '../fleet/serve-agent.js';
import { GraphClient } from '../graph/graph-client.js';
import { makeKeys } from '../testing/keys.js';
import { AgentTokens } from './agent-tokens.js';
import {
  AgentDispatcher,
  AgentTimeoutError,
  AgentUnavailableError,
  type Dispatch,
  type DispatcherOptions,
} from './dispatch-agent.js';

const keys = makeKeys();
const tokens = new AgentTokens(new TokenSigner('aurora-agents', readPrivateKey(keys.agents.privateFile), 300));
const id = '0199bbbb-0000-7000-8000-000000000001';
const claim = {
  tenant: '00000000-0000-4000-8000-000000000001',
  requesterId: 'ann',
  requesterScopes: ['events:read'] as const,
  agent: 'endpoint' as const,
  investigationId: id,
};
let url = '';

afterAll(() => keys.remove());
beforeEach(() => {
  url = 'http://127.0.0.1:1';
});

/** A real A2A server on its own port, until the test ends. */
async function serve(program: AgentProgram) {
  const graph = new GraphClient('http://127.0.0.1:1');
  const guard = new FleetGuard(readPublicKey(keys.agents.publicFile));
  const started = await serveAgent({
    agent: AGENTS.endpoint,
    program,
    graph,
    guard,
    host: '127.0.0.1',
    port: 0,
    log: createLog('fleet', 'silent'),
  });
  url = started.url;
  onTestFinished(async () => {
    started.server.closeAllConnections();
    await closeServer(started.server, 0);
    await graph.close();
  });
  return started.server;
}

function dispatcher(options: Partial<DispatcherOptions> = {}): AgentDispatcher {
  return new AgentDispatcher({ directory: () => url, ...options });
}

function call(overrides: Partial<Dispatch> = {}): Dispatch {
  return {
    agent: 'endpoint',
    order: { taskId: id, investigationId: id, fence: 1, instruction: { alertId: id, question: null } },
    messageId: id,
    signTokens: () => tokens.forTask(claim),
    signal: new AbortController().signal,
    onStep: async () => undefined,
    ...overrides,
  };
}

describe('a call of an agent', () => {
  it('hears each step in order, then the result', async () => {
    await serve(async ({ tellStep, instruction }) => {
      tellStep({ kind: 'PLAN', title: 'first' });
      tellStep({ kind: 'FINDING', title: 'second', citedEventIds: [id] });
      return { seen: instruction.alertId };
    });
    const steps: StepReport[] = [];
    const answer = await dispatcher().dispatch(call({ onStep: async (step) => void steps.push(step) }));
    expect(answer).toEqual({ kind: 'result', data: { seen: id } });
    expect(steps.map(({ ordinal, title }) => [ordinal, title])).toEqual([
      [1, 'first'],
      [2, 'second'],
    ]);
  });

  it('waits for a step to be recorded before it hears the next', async () => {
    await serve(async ({ tellStep }) => {
      for (const title of ['a', 'b', 'c']) tellStep({ kind: 'PLAN', title });
      return {};
    });
    const log: string[] = [];
    const onStep = async ({ title }: StepReport) => {
      log.push(`+${title}`);
      await new Promise((resolve) => setImmediate(resolve));
      log.push(`-${title}`);
    };
    await dispatcher().dispatch(call({ onStep }));
    expect(log).toEqual(['+a', '-a', '+b', '-b', '+c', '-c']);
  });

  it('tells why an agent failed', async () => {
    await serve(async () => {
      throw new AgentFailure('ALERT_NOT_VISIBLE', 'There is none.');
    });
    expect(await dispatcher().dispatch(call())).toEqual({
      kind: 'failure',
      failure: { code: 'ALERT_NOT_VISIBLE', message: 'There is none.' },
    });
  });

  it('does not hand out what broke inside of an agent', async () => {
    await serve(async () => {
      throw new Error('secret detail');
    });
    const answer = await dispatcher().dispatch(call());
    expect(answer).toMatchObject({ kind: 'failure', failure: { code: 'AGENT_FAILED' } });
    expect(JSON.stringify(answer)).not.toContain('secret');
  });

  it('calls a completion without a result, and a step that does not fit, garbage', async () => {
    await serve(async () => undefined);
    expect(await dispatcher().dispatch(call())).toMatchObject({ kind: 'garbage' });
    await serve(async ({ tellStep }) => {
      tellStep({ kind: 'PLAN', title: '' });
      return {};
    });
    expect(await dispatcher().dispatch(call())).toMatchObject({ kind: 'garbage', reason: 'a step does not fit' });
  });

  it('ends at the budget, and the agent notices that nobody waits any more', async () => {
    const noticed = Promise.withResolvers<unknown>();
    await serve(
      ({ signal }) =>
        new Promise((_, reject) =>
          signal.addEventListener('abort', () => {
            noticed.resolve(signal.reason);
            reject(signal.reason);
          }),
        ),
    );
    await expect(dispatcher({ budgetMs: 150 }).dispatch(call())).rejects.toBeInstanceOf(AgentTimeoutError);
    expect(String(await noticed.promise)).toContain('gone away');
  });

  it('ends with the reason of whoever ends it, which is no failure of the agent, however often', async () => {
    let begin: () => void = () => undefined;
    await serve(async ({ tellStep }) => {
      tellStep({ kind: 'PLAN', title: 'x' });
      return new Promise(() => undefined);
    });
    const calls = dispatcher({ breakAfter: 2 });
    for (let n = 0; n < 4; n++) {
      const begun = new Promise<void>((resolve) => {
        begin = resolve;
      });
      const abort = new AbortController();
      const calling = calls.dispatch(call({ signal: abort.signal, onStep: async () => begin() }));
      await begun;
      abort.abort(new Error('the lease is lost'));
      await expect(calling).rejects.toThrow('the lease is lost');
    }
    expect(calls.isReachable('endpoint')).toBe(true);
  });

  it('throws on what the recording of a step throws', async () => {
    await serve(async ({ tellStep }) => {
      tellStep({ kind: 'PLAN', title: 'x' });
      return {};
    });
    const onStep = async () => {
      throw new RangeError('stale');
    };
    await expect(dispatcher().dispatch(call({ onStep }))).rejects.toThrow(RangeError);
  });
});

describe('an agent that is away', () => {
  it('dies in mid-answer: told at once and not asked again', async () => {
    let runs = 0;
    const server = await serve(async ({ tellStep }) => {
      runs += 1;
      tellStep({ kind: 'PLAN', title: 'x' });
      return new Promise(() => undefined);
    });
    const onStep = async () => server.closeAllConnections();
    await expect(dispatcher().dispatch(call({ onStep }))).rejects.toMatchObject({
      code: 'AGENT_UNAVAILABLE',
      hasAnswered: true,
    });
    expect(runs).toBe(1);
  });

  it('is asked again while nothing has come yet, by the same message, so that it can know the repeat', async () => {
    const messages: unknown[] = [];
    const broken = createServer(async (request, response) => {
      const { params } = (await json(request)) as { params: { message: { messageId: string } } };
      messages.push(params.message.messageId);
      response.writeHead(502).end();
    });
    url = `http://127.0.0.1:${await listen(broken, 0, '127.0.0.1')}`;
    onTestFinished(() => closeServer(broken, 0));
    await expect(dispatcher().dispatch(call())).rejects.toBeInstanceOf(AgentUnavailableError);
    expect(messages).toEqual([id, id, id]);
  });

  it('answers with something that is not A2A: unavailable', async () => {
    const other = createServer((_, response) =>
      response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .end('data: {"jsonrpc":"2.0","id":1,"result":42}\n\ndata: nonsense\n\n'),
    );
    url = `http://127.0.0.1:${await listen(other, 0, '127.0.0.1')}`;
    onTestFinished(() => closeServer(other, 0));
    await expect(dispatcher().dispatch(call())).rejects.toBeInstanceOf(AgentUnavailableError);
  });

  it('is left alone by the open breaker, and found again by one call when that half-opens', async () => {
    const calls = dispatcher({ breakAfter: 3, halfOpenAfterMs: 200 });
    await expect(calls.dispatch(call())).rejects.toBeInstanceOf(AgentUnavailableError);
    expect(calls.isReachable('endpoint')).toBe(false);

    let runs = 0;
    await serve(async () => {
      runs += 1;
      return {};
    });
    await expect(calls.dispatch(call())).rejects.toThrow(/breaker is open/);
    expect(runs).toBe(0);

    await vi.waitFor(async () => expect(await calls.dispatch(call())).toMatchObject({ kind: 'result' }), {
      timeout: 3_000,
      interval: 50,
    });
    expect(runs).toBe(1);
    expect(calls.isReachable('endpoint')).toBe(true);
  });

  it('is tried by one call; those beside it are refused at once instead of waiting for a whole run', async () => {
    const calls = dispatcher({ breakAfter: 3, halfOpenAfterMs: 50 });
    await expect(calls.dispatch(call())).rejects.toBeInstanceOf(AgentUnavailableError);
    const begun = Promise.withResolvers<void>();
    const end = Promise.withResolvers<void>();
    await serve(async () => {
      begun.resolve();
      await end.promise;
      return {};
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const trial = calls.dispatch(call());
    await begun.promise;
    await expect(calls.dispatch(call())).rejects.toThrow(/is being tried again/);
    end.resolve();
    expect(await trial).toMatchObject({ kind: 'result' });
    expect(await calls.dispatch(call())).toMatchObject({ kind: 'result' });
  });

  it('does not close the way to the other agents', async () => {
    const calls = dispatcher({ breakAfter: 1 });
    await expect(calls.dispatch(call())).rejects.toBeInstanceOf(AgentUnavailableError);
    expect(calls.isReachable('endpoint')).toBe(false);
    expect(calls.isReachable('orchestrator')).toBe(true);
  });
});

describe("an agent's server", () => {
  const bodyOf = async (authorization?: string) => {
    const response = await fetch(`${url}/.well-known/agent-card.json`, {
      headers: authorization === undefined ? {} : { authorization },
    });
    return { status: response.status, body: (await response.json()) as { name?: string } };
  };

  it('shows its card to callers with a token of the fleet only', async () => {
    await serve(async () => ({}));
    const { gateway } = await tokens.forTask(claim);
    expect((await bodyOf()).status).toBe(401);
    expect((await bodyOf('Bearer nonsense')).status).toBe(401);
    expect((await bodyOf(`Bearer ${gateway}`)).status, 'a token for the gateway is not one for the fleet').toBe(401);
    expect(await bodyOf(`Bearer ${await tokens.forProbe('endpoint')}`)).toMatchObject({
      status: 200,
      body: { name: 'endpoint' },
    });
  });

  it('refuses tokens that somebody else signed', async () => {
    await serve(async () => ({}));
    const foreign = makeKeys();
    onTestFinished(() => foreign.remove());
    const other = new AgentTokens(new TokenSigner('aurora-agents', readPrivateKey(foreign.agents.privateFile), 300));
    await expect(dispatcher().dispatch(call({ signTokens: () => other.forTask(claim) }))).rejects.toBeInstanceOf(
      AgentUnavailableError,
    );
  });

  it('does no work for a token that was made for another agent, or that comes with a foreign second one', async () => {
    let runs = 0;
    await serve(async () => {
      runs += 1;
      return {};
    });
    const forOrchestrator = await tokens.forTask({ ...claim, agent: 'orchestrator' });
    expect(await dispatcher().dispatch(call({ signTokens: async () => forOrchestrator }))).toMatchObject({
      kind: 'failure',
      failure: { code: 'UNAUTHENTICATED' },
    });
    const forBob = await tokens.forTask({ ...claim, requesterId: 'bob' });
    const mixed = { ...(await tokens.forTask(claim)), gateway: forBob.gateway };
    await expect(dispatcher().dispatch(call({ signTokens: async () => mixed }))).rejects.toBeInstanceOf(
      AgentUnavailableError,
    );
    expect(runs).toBe(0);
  });

  it('does no work in another investigation than the one that the tokens were made for', async () => {
    let runs = 0;
    await serve(async () => {
      runs += 1;
      return {};
    });
    const own = await tokens.forTask(claim);
    const other = await tokens.forTask({ ...claim, investigationId: '0199bbbb-0000-7000-8000-000000000002' });
    expect(await dispatcher().dispatch(call({ signTokens: async () => other }))).toMatchObject({
      kind: 'failure',
      failure: { code: 'UNAUTHENTICATED' },
    });
    const mixed = { ...own, gateway: other.gateway };
    await expect(dispatcher().dispatch(call({ signTokens: async () => mixed }))).rejects.toBeInstanceOf(
      AgentUnavailableError,
    );
    expect(runs).toBe(0);
  });
});
