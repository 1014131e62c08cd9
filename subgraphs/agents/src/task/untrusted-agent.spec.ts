import { newId } from '@aurorasoc/kit/ids';
import { describe, expect, it, vi } from 'vitest';
import type { Verdict } from '../a2a/contract.js';
import { AgentFailure } from '../fleet/agent-program.js';
import { idAt } from '../testing/event-graph.js';
import { ann, investigate, TEST_TIMEOUT_MS, useSite, whenEnded } from '../testing/investigations.js';

vi.setConfig({ testTimeout: TEST_TIMEOUT_MS });

const spec = useSite();
const { start, serve } = spec;

describe('an agent that cannot be trusted', () => {
  it('is asked once more after garbage, then the investigation fails', async () => {
    let answers = 0;
    const garbage = await serve('orchestrator', async () => {
      answers += 1;
      return { disposition: 'SURELY' };
    });
    const process = await start({ orchestrator: garbage });
    const who = ann();
    expect(await whenEnded(process, who, await investigate(process, who))).toMatchObject({
      status: 'FAILED',
      failure: { code: 'AGENT_OUTPUT_INVALID' },
    });
    expect(answers).toBe(2);
  });

  it('does not get claims published that the events do not show', async () => {
    const [real, invented] = [idAt(3), newId()];
    const verdict: Verdict = {
      disposition: 'BENIGN_POSITIVE',
      severity: 'LOW',
      confidence: 0.9,
      summary: 'Nothing to see.',
      techniques: [],
      entities: [],
      timeline: [],
      nextSteps: [],
      couldNotCheck: [],
      isBudgetExhausted: false,
      claims: [
        {
          text: 'An event that does not exist.',
          citations: [{ eventId: invented, pointer: '/process/name', value: 'x' }],
        },
        {
          text: 'A value that is not there.',
          citations: [{ eventId: real, pointer: '/process/name', value: 'notepad.exe' }],
        },
      ],
    };
    const process = await start({ orchestrator: await serve('orchestrator', async () => verdict) });
    const who = ann();
    const { verdict: published } = await whenEnded(process, who, await investigate(process, who));
    expect(published).toMatchObject({
      disposition: 'UNDETERMINED',
      confidence: 0,
      claims: [],
      couldNotCheck: [expect.stringContaining('2 of 2 claims were dropped')],
    });
    expect(await (await fetch(process.metricsUrl)).text()).toMatch(/aurora_agent_claims_dropped_total\{.*\} 2/);
  });

  it.each([1_000, 5_000])('costs a partial verdict also when it fails with %d characters', async (length) => {
    const failing = await serve('endpoint', async () => {
      throw new AgentFailure('SPECIALIST_FAILED', 'x'.repeat(length));
    });
    const process = await start({ endpoint: failing });
    const who = ann();
    const ended = await whenEnded(process, who, await investigate(process, who));
    expect(ended).toMatchObject({
      status: 'COMPLETED',
      verdict: {
        disposition: 'UNDETERMINED',
        couldNotCheck: [expect.stringMatching(/did not come to a result: x+…$/)],
      },
    });
  });

  it('costs a partial verdict when it is a specialist', async () => {
    const process = await start({ endpoint: await serve('endpoint', async () => ({ nonsense: true })) });
    const who = ann();
    const ended = await whenEnded(process, who, await investigate(process, who));
    expect(ended).toMatchObject({
      status: 'COMPLETED',
      verdict: {
        disposition: 'UNDETERMINED',
        couldNotCheck: [expect.stringContaining('endpoint specialist did not come to a result')],
      },
    });
  });
});
