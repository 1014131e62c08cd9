import { describe, expect, it } from 'vitest';
import type { Verdict } from '../a2a/contract.js';
import { checkVerdict } from './check-citations.js';

const EVENT = '01999999-0000-7000-8000-000000000001';
const OTHER = '01999999-0000-7000-8000-000000000002';
const documents = new Map<string, unknown>([[EVENT, { process: { name: 'cmd.exe', pid: 7, args: ['/c', 'dir'] } }]]);
const findDocuments = async () => documents;

function verdictWith(claims: Verdict['claims']): Verdict {
  return {
    disposition: 'TRUE_POSITIVE',
    severity: 'HIGH',
    confidence: 0.8,
    summary: 'An attack.',
    claims,
    techniques: [],
    entities: [],
    timeline: [
      { at: '2026-03-04T05:06:07.000Z', eventId: EVENT, text: 'known' },
      { at: '2026-03-04T05:06:08.000Z', eventId: OTHER, text: 'unknown' },
    ],
    nextSteps: [],
    couldNotCheck: [],
    isBudgetExhausted: false,
  };
}
const claim = (eventId: string, pointer: string, value: Verdict['claims'][number]['citations'][number]['value']) => ({
  text: 'It is so.',
  citations: [{ eventId, pointer, value }],
});

describe('the check of citations', () => {
  it('keeps claims whose values stand in the events', async () => {
    const claims = [
      claim(EVENT, '/process/name', 'cmd.exe'),
      claim(EVENT, '/process/pid', 7),
      claim(EVENT, '/process/args', ['/c', 'dir']),
    ];
    const { verdict, dropped } = await checkVerdict(verdictWith(claims), findDocuments);
    expect(dropped).toBe(0);
    expect(verdict.claims).toEqual(claims);
    expect(verdict.disposition).toBe('TRUE_POSITIVE');
  });

  it.each([
    ['an event that does not exist', claim(OTHER, '/process/name', 'cmd.exe')],
    ['a pointer that leads nowhere', claim(EVENT, '/process/title', 'cmd.exe')],
    ['another value', claim(EVENT, '/process/name', 'CMD.EXE')],
    ['a value of another type', claim(EVENT, '/process/pid', '7')],
    ['no citation at all', { text: 'Believe me.', citations: [] }],
  ])('drops a claim with %s, counts it and says so', async (_, bad) => {
    const good = claim(EVENT, '/process/name', 'cmd.exe');
    const { verdict, dropped } = await checkVerdict(verdictWith([good, bad]), findDocuments);
    expect(dropped).toBe(1);
    expect(verdict.claims).toEqual([good]);
    expect(verdict.couldNotCheck).toEqual([expect.stringContaining('1 of 2 claims were dropped')]);
  });

  it('takes invalid citations out of a claim that has a valid one', async () => {
    const both = {
      text: 'Both.',
      citations: [...claim(EVENT, '/process/pid', 7).citations, ...claim(EVENT, '/process/pid', 8).citations],
    };
    const { verdict, dropped } = await checkVerdict(verdictWith([both]), findDocuments);
    expect(dropped).toBe(0);
    expect(verdict.claims[0]?.citations).toEqual([{ eventId: EVENT, pointer: '/process/pid', value: 7 }]);
  });

  it('determines nothing when no claim is left', async () => {
    const { verdict } = await checkVerdict(verdictWith([claim(OTHER, '/process/pid', 7)]), findDocuments);
    expect(verdict).toMatchObject({ disposition: 'UNDETERMINED', confidence: 0, claims: [] });
  });

  it('compares values as they can be stored, and says where that made a difference', async () => {
    const hostile = new Map<string, unknown>([[EVENT, { name: 'a\0', other: 'b' }]]);
    const altered = claim(EVENT, '/name', 'a\uFFFD');
    const exact = claim(EVENT, '/other', 'b');
    const { verdict, dropped } = await checkVerdict(verdictWith([altered, exact]), async () => hostile);
    expect(dropped).toBe(0);
    expect(verdict.couldNotCheck).toEqual([expect.stringContaining('U+FFFD')]);
    expect((await checkVerdict(verdictWith([exact]), async () => hostile)).verdict.couldNotCheck).toEqual([]);
  });

  it('drops timeline entries of events that do not exist', async () => {
    const { verdict } = await checkVerdict(verdictWith([claim(EVENT, '/process/pid', 7)]), findDocuments);
    expect(verdict.timeline.map((entry) => entry.text)).toEqual(['known']);
  });
});
