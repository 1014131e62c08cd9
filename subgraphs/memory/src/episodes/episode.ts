/** What an investigation that has ended becomes in memory. */

import { PoisonMessageError } from '@aurorasoc/kit/errors';
import { readData } from '@aurorasoc/kit/events';
import { isUuid } from '@aurorasoc/kit/ids';
import type { StreamEntry } from '@aurorasoc/kit/streams';
import { z } from 'zod';
import type { Memorable } from '../entry/remember.js';

export const AGENTS_STREAM = 'aurora:agents:events';
/** Also the name of the entries' author. Never change it, or what was remembered is remembered again. */
export const EPISODES_GROUP = 'memory-episodes';

export const INVESTIGATION_COMPLETED = 'investigation.completed';

/** What is read of it; the contract with the producer. */
export const investigationCompletedSchema = z.object({
  alertId: z.uuid(),
  /** Absent from events that were written before verdicts were told in them. */
  verdict: z
    .object({
      disposition: z.string(),
      severity: z.string(),
      confidence: z.number(),
      summary: z.string(),
      techniques: z.array(z.string()),
      entities: z.array(z.object({ type: z.string(), value: z.string() })),
    })
    .nullish(),
});
type Verdict = NonNullable<z.output<typeof investigationCompletedSchema>['verdict']>;

/**
 * @returns undefined for other events, and for investigations that ended without a verdict.
 * @throws PoisonMessageError when the event does not fit.
 */
export function episodeOf(entry: StreamEntry, now: Date): Memorable | undefined {
  const type = entry.fields.get('type');
  if (type !== INVESTIGATION_COMPLETED) return undefined;
  const event = { id: entry.messageId, type, body: entry.fields.get('body') ?? '' };
  const { alertId, verdict } = readData(event, investigationCompletedSchema);
  if (!verdict) return undefined;
  const investigationId = entry.fields.get('subject') ?? '';
  if (!isUuid(investigationId)) throw new PoisonMessageError('The event names no investigation', { field: 'subject' });
  return {
    tenant: entry.tenant,
    tier: 'EPISODIC',
    title: titleOf(verdict),
    text: textOf(verdict),
    source: { kind: 'INVESTIGATION', id: investigationId },
    alertId,
    // Whoever reasoned: no person has looked at it.
    trust: 'MACHINE',
    tags: [verdict.disposition, ...verdict.techniques].slice(0, MAX_TAGS),
    author: { kind: 'service', id: EPISODES_GROUP },
    createdAt: now,
  };
}

/** As many as people may give. */
const MAX_TAGS = 20;
const MAX_TITLE_TECHNIQUES = 5;

function titleOf({ disposition, severity, techniques }: Verdict): string {
  const named = techniques.slice(0, MAX_TITLE_TECHNIQUES).join(', ');
  return `${disposition}, severity ${severity}${named === '' ? '' : `: ${named}`}`;
}

function textOf({ summary, confidence, techniques, entities }: Verdict): string {
  const lines = [
    summary,
    `Confidence ${confidence}.`,
    techniques.length > 0 && `Techniques: ${techniques.join(', ')}.`,
    // From events, that is from whoever could write to a log.
    entities.length > 0 && `Involved: ${entities.map(({ type, value }) => `${type} ${value}`).join('; ')}.`,
  ];
  return lines.filter((line) => line !== false).join('\n');
}
