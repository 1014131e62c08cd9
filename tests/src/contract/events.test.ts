/** Consumers decode other domains' events by schemas of their own; whatever the producer may send must fit them. */
import { ALERT_OPENED, ALERTS_STREAM, alertOpenedSchema, POLICY_GROUP } from '@aurorasoc/agents/contracts';
import { agentsEvents, EVENT_READERS as agentsReaders } from '@aurorasoc/agents/events';
import { alertsEvents, EVENT_READERS as alertsReaders, severitySchema } from '@aurorasoc/alerts/events';
import { federationEvents } from '@aurorasoc/federation/events';
import { ERASURE_REQUESTED, erasureRequestedSchema } from '@aurorasoc/kit/erasure';
import { eventStream } from '@aurorasoc/kit/events';
import {
  AGENTS_STREAM,
  EPISODES_GROUP,
  INVESTIGATION_COMPLETED,
  investigationCompletedSchema,
} from '@aurorasoc/memory/contracts';
import { describe, expect, it } from 'vitest';

const opened = alertsEvents['alert.opened'].parse({
  ruleId: '0198c0de-0000-7000-8000-000000000001',
  title: 'Shadow copies deleted',
  severity: 'CRITICAL',
  status: 'NEW',
  assignee: null,
  count: 1,
  techniques: ['T1490'],
  firstSeenAt: '2026-11-23T12:00:00.000Z',
  lastSeenAt: '2026-11-23T12:00:00.000Z',
});

describe('alert.opened, as agents read it', () => {
  it.each(severitySchema.options)('fits with severity %s', (severity) => {
    expect(alertOpenedSchema.parse({ ...opened, severity })).toEqual({ severity });
  });

  it('comes on the stream that alerts publish to, for a group that they wait for and fill it again for', () => {
    expect(ALERTS_STREAM).toBe(eventStream('alerts'));
    expect(alertsReaders).toEqual({ [POLICY_GROUP]: [ALERT_OPENED] });
  });
});

describe('investigation.completed, as memory reads it', () => {
  const ended = { alertId: '0198c0de-0000-7000-8000-000000000002', status: 'COMPLETED', failureCode: null } as const;
  const verdict = {
    severity: 'CRITICAL',
    confidence: 0.9,
    summary: 'This looks like an attack.',
    techniques: ['T1490'],
    entities: [{ type: 'HOST', value: 'WS-01' }],
  } as const;

  it.each(['TRUE_POSITIVE', 'BENIGN_POSITIVE', 'FALSE_POSITIVE', 'UNDETERMINED'] as const)(
    'fits with the verdict %s',
    (disposition) => {
      const told = { ...verdict, disposition };
      const event = agentsEvents['investigation.completed'].parse({ ...ended, disposition, verdict: told });
      expect(investigationCompletedSchema.parse(event)).toEqual({ alertId: ended.alertId, verdict: told });
    },
  );

  it('fits without a verdict, and as it was written before verdicts were told', () => {
    const { verdict: none, ...before } = agentsEvents['investigation.completed'].parse({
      ...ended,
      disposition: null,
      verdict: null,
    });
    expect(none).toBeNull();
    expect(investigationCompletedSchema.parse({ ...before, verdict: none }).verdict).toBeNull();
    expect(investigationCompletedSchema.parse(before).verdict).toBeUndefined();
  });

  it('comes on the stream that agents publish to, for a group that they wait for and fill it again for', () => {
    expect(AGENTS_STREAM).toBe(eventStream('agents'));
    expect(agentsReaders).toEqual({ [EPISODES_GROUP]: [INVESTIGATION_COMPLETED] });
  });
});

describe('tenant.erasure_requested, as every domain reads it', () => {
  it('fits, whoever asked', () => {
    const tenantId = '0198c0de-0000-7000-8000-000000000003';
    const asked = { tenantId, reason: 'The contract ended', requestedFrom: tenantId };
    const event = federationEvents[ERASURE_REQUESTED].parse(asked);
    expect(erasureRequestedSchema.parse(event)).toEqual({ tenantId });
  });
});
