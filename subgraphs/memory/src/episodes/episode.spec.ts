import type { StreamEntry } from '@aurorasoc/kit/streams';
import { describe, expect, it } from 'vitest';
import { EPISODES_GROUP, episodeOf } from './episode.js';

const TENANT = '0198c0de-0000-7000-8000-00000000000a';
const INVESTIGATION = '0198c0de-0000-7000-8000-000000000001';
const ALERT = '0198c0de-0000-7000-8000-000000000002';
const NOW = new Date('2026-11-27T00:00:00Z');

const VERDICT = {
  disposition: 'TRUE_POSITIVE',
  severity: 'HIGH',
  confidence: 0.8,
  summary: 'This looks like an attack.',
  techniques: ['T1490', 'T1059.001'],
  entities: [
    { type: 'HOST', value: 'WS-01' },
    { type: 'USER', value: 'CORP\\eve' },
  ],
};

function entryOf(data: unknown, { type = 'investigation.completed', subject = INVESTIGATION } = {}): StreamEntry {
  const body = JSON.stringify({ time: NOW.toISOString(), actor: { kind: 'agent', id: 'orchestrator' }, data });
  const fields = new Map(Object.entries({ type, subject, body }));
  const stream = 'aurora:agents:events';
  return { stream, key: stream, entryId: '1-0', messageId: 'm', tenant: TENANT, fields };
}

describe('an episode', () => {
  it('holds the verdict and where it comes from, marked as a machine’s', () => {
    expect(episodeOf(entryOf({ alertId: ALERT, verdict: VERDICT }), NOW)).toEqual({
      tenant: TENANT,
      tier: 'EPISODIC',
      title: 'TRUE_POSITIVE, severity HIGH: T1490, T1059.001',
      text: [
        'This looks like an attack.',
        'Confidence 0.8.',
        'Techniques: T1490, T1059.001.',
        'Involved: HOST WS-01; USER CORP\\eve.',
      ].join('\n'),
      source: { kind: 'INVESTIGATION', id: INVESTIGATION },
      alertId: ALERT,
      trust: 'MACHINE',
      tags: ['TRUE_POSITIVE', 'T1490', 'T1059.001'],
      author: { kind: 'service', id: EPISODES_GROUP },
      createdAt: NOW,
    });
  });

  it('says nothing of what the verdict has not got', () => {
    const verdict = { ...VERDICT, techniques: [], entities: [] };
    expect(episodeOf(entryOf({ alertId: ALERT, verdict }), NOW)).toMatchObject({
      title: 'TRUE_POSITIVE, severity HIGH',
      text: 'This looks like an attack.\nConfidence 0.8.',
      tags: ['TRUE_POSITIVE'],
    });
  });

  it.each([
    ['an investigation that ended without a verdict', entryOf({ alertId: ALERT, verdict: null })],
    ['an event from before verdicts were told', entryOf({ alertId: ALERT })],
    ['any other event', entryOf({ nothing: 'of ours' }, { type: 'investigation.progressed' })],
  ])('is not made of %s', (_what, entry) => {
    expect(episodeOf(entry, NOW)).toBeUndefined();
  });

  it.each([
    ['the data does not fit', entryOf({ alertId: 'that one', verdict: VERDICT })],
    ['there is no investigation', entryOf({ alertId: ALERT, verdict: VERDICT }, { subject: '' })],
  ])('goes to the dead letters when %s', (_what, entry) => {
    expect(() => episodeOf(entry, NOW)).toThrow(expect.objectContaining({ code: 'POISON_MESSAGE' }));
  });
});
