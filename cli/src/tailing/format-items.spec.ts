import { describe, expect, it } from 'vitest';
import type { AlertChange, InvestigationProgress } from '../client/operations.js';
import { formatAlertChange, formatProgress } from './format-items.js';

const change: AlertChange = {
  __typename: 'AlertChange',
  cursor: 'c',
  kind: 'OPENED',
  alertId: 'a1',
  occurredAt: '2026-11-23T10:00:00.000Z',
  changed: [],
  alert: {
    title: 'Office spawns a shell',
    severity: 'HIGH',
    status: 'NEW',
    count: 1,
    entities: [{ type: 'HOST', value: 'WS-07\u001b[2J' }],
  },
};

const progress: InvestigationProgress = {
  __typename: 'InvestigationProgress',
  cursor: 'c',
  kind: 'ENDED',
  investigationId: 'i1',
  occurredAt: '2026-11-23T10:00:00.000Z',
  step: null,
  investigation: {
    status: 'COMPLETED',
    verdict: { disposition: 'TRUE_POSITIVE', severity: 'HIGH', confidence: 0.9, summary: 'cmd\u202eexe' },
    failure: null,
  },
};

describe('lines of tail', () => {
  it('tell severity, title, entities and count, with hostile text written out', () => {
    const line = formatAlertChange(change);
    expect(line).toContain('HIGH           OPENED   Office spawns a shell · WS-07\\u{1b}[2J · 1 event · a1');
  });

  it('say so when the alert itself cannot be had', () => {
    expect(formatAlertChange({ ...change, alert: null })).toContain('(details are not available) · a1');
  });

  it('end with the verdict', () => {
    expect(formatProgress(progress)).toContain('TRUE_POSITIVE, HIGH, confidence 0.90: cmd\\u{202e}exe');
  });

  it('end with the reason of a failure', () => {
    const failed = { status: 'FAILED', verdict: null, failure: { code: 'AGENT_OUTPUT_INVALID', message: 'twice' } };
    expect(formatProgress({ ...progress, investigation: failed })).toContain('FAILED (AGENT_OUTPUT_INVALID): twice');
  });
});
