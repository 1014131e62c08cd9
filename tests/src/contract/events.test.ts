/** Consumers decode other domains' events by schemas of their own; whatever the producer may send must fit them. */
import { ALERTS_STREAM, alertOpenedSchema } from '@aurorasoc/agents/contracts';
import { alertsEvents, severitySchema } from '@aurorasoc/alerts/events';
import { eventStream } from '@aurorasoc/kit/events';
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

  it('comes on the stream that alerts publish to', () => {
    expect(ALERTS_STREAM).toBe(eventStream('alerts'));
  });
});
