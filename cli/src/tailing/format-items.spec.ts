import { describe, expect, it } from 'vitest';
import type { AlertChange, QueuedAlert } from '../client/operations.js';
import type { TailedProgress } from './follow-investigations.js';
import { formatItem } from './format-items.js';

const facts = {
  title: 'Office spawns a shell',
  severity: 'HIGH',
  status: 'NEW',
  count: 1,
  entities: [{ type: 'HOST', value: 'WS-07\u001b[2J' }],
};
const id = '0199a000-0000-7000-8000-0000009ab3f1';
const change: AlertChange = {
  __typename: 'AlertChange',
  cursor: 'c',
  kind: 'OPENED',
  alertId: id,
  version: 1,
  occurredAt: new Date().toISOString(),
  changed: [],
  alert: facts,
};
const verdict = { disposition: 'TRUE_POSITIVE', severity: 'HIGH', confidence: 0.9, summary: 'cmd\u202eexe' };
const progress: TailedProgress = {
  __typename: 'InvestigationProgress',
  cursor: 'c',
  kind: 'ENDED',
  investigationId: 'i1',
  occurredAt: '2026-11-23T10:00:00.000Z',
  step: null,
  investigation: { status: 'COMPLETED', verdict, failure: null },
  alert: { id, title: facts.title },
};
const queued: QueuedAlert = {
  __typename: 'Alert',
  id,
  version: 3,
  openedAt: '2026-11-23',
  investigations: [],
  ...facts,
};

describe('lines of tail', () => {
  it('tell severity, title, entities and count, with hostile text written out', () => {
    const [line] = formatItem(change);
    expect(line).toMatch(/^\d\d:\d\d:\d\d {2}/);
    expect(line).toContain(`HIGH           OPENED   Office spawns a shell · WS-07\\u{1b}[2J · 1 event · ${id}`);
  });

  it('say so when the alert itself cannot be had', () => {
    expect(formatItem({ ...change, alert: null })[0]).toContain(`(details are not available) · ${id}`);
  });

  it('begin with the day where it is another one', () => {
    expect(formatItem(queued)[0]).toMatch(/^2026-11-2\d \d\d:\d\d:\d\d {2}HIGH {11}OPEN {4}/);
  });

  it('put under an alert of the queue how its investigations ended', () => {
    const ended = { id: 'i', finishedAt: '2026-11-23T10:00:00Z', status: 'COMPLETED', verdict, failure: null };
    const [, line, ...more] = formatItem({ ...queued, investigations: [ended] });
    expect(line).toContain('Office spawns a shell …9ab3f1 | investigation ended: TRUE_POSITIVE');
    expect(more).toEqual([]);
  });

  it('end with the verdict', () => {
    expect(formatItem(progress)[0]).toContain('TRUE_POSITIVE, HIGH, confidence 0.90: cmd\\u{202e}exe');
  });

  it('end with the reason of a failure', () => {
    const failed = { status: 'FAILED', verdict: null, failure: { code: 'AGENT_OUTPUT_INVALID', message: 'twice' } };
    expect(formatItem({ ...progress, investigation: failed })[0]).toContain('FAILED (AGENT_OUTPUT_INVALID): twice');
  });

  it('name the alert in every line of an investigation', () => {
    const step = { agent: 'endpoint', kind: 'FINDING', title: 'found', detail: null };
    const lines = [
      ...formatItem({ ...progress, kind: 'STARTED' }),
      ...formatItem({ ...progress, kind: 'STEP', step }),
      ...formatItem(progress),
    ];
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line).toContain('Office spawns a shell …9ab3f1 | ');
    expect(formatItem({ ...progress, alert: { id, title: null } })[0]).toContain('Alert …9ab3f1 | ');
  });

  it('leave tool calls out unless they are asked for', () => {
    const call = { agent: 'endpoint', kind: 'TOOL_CALL', title: 'events', detail: null };
    expect(formatItem({ ...progress, kind: 'STEP', step: call })).toEqual([]);
    expect(formatItem({ ...progress, kind: 'STEP', step: call }, { isVerbose: true })).toHaveLength(1);
  });
});
